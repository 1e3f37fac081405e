import { createHash } from 'node:crypto';
import { answerAdobeAuth } from '../core/rtmp/adobe-auth.ts';
import type { RtmpUrl } from '../core/rtmp/url.ts';

/** The server asks who it is, and then for the proof; one that asks more often is not asking for an answer. */
const MAX_ANSWERS = 2;
const CHALLENGE_DIGITS = 8;

/**
 * User and password of an RTMP URL, as the servers that know of them (Adobe, Wowza) want them: they refuse the
 * connection with a question, and the answer is in the next one. See `answerAdobeAuth`.
 */
export class RtmpAuthentication {
  readonly #asked: RtmpUrl;
  readonly #random: () => number;
  #url: RtmpUrl;
  #answers = 0;

  constructor(url: RtmpUrl, random: () => number) {
    this.#asked = url;
    this.#url = url;
    this.#random = random;
  }

  /** What the next connection is to ask for. */
  get url(): RtmpUrl {
    return this.#url;
  }

  /** Whether a refusal was a question that has an answer: then connect again, at once, with `url`. */
  answer(description: string): boolean {
    if (this.#answers === MAX_ANSWERS) return false;
    const answer = answerAdobeAuth(this.#asked, description, {
      md5: (bytes) => createHash('md5').update(bytes).digest(),
      challenge: Array.from({ length: CHALLENGE_DIGITS }, () =>
        Math.floor(this.#random() * 16).toString(16),
      ).join(''),
    });
    if (answer === null) return false;
    this.#answers += 1;
    this.#url = answer;
    return true;
  }

  /** For a new attempt: an answer is good once. */
  reset(): void {
    this.#url = this.#asked;
    this.#answers = 0;
  }
}
