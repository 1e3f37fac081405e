import { beforeEach, describe, expect, it } from 'vitest';
import { Link } from '../core/link/link.ts';
import { type LinkProfile, unlimited } from '../core/link/profile.ts';
import { LinkShaper } from './link-shaper.ts';
import { Pacer } from './pacer.ts';

const START = 10_000;
let nowMs = START;
let timer: { atMs: number; callback: () => void } | null = null;
let events: string[] = [];
let delivered = 0;
let firstSent: number | null = null;

beforeEach(() => {
  nowMs = START;
  timer = null;
  events = [];
  delivered = 0;
  firstSent = null;
});

/** Lets time pass, with the pacer's timers as they come. */
function to(ms: number): void {
  while (timer !== null && timer.atMs <= START + ms) {
    nowMs = timer.atMs;
    const { callback } = timer;
    timer = null;
    callback();
  }
  nowMs = START + ms;
}

function pacer(): Pacer {
  return new Pacer({ nowMs: () => nowMs, wallMs: () => nowMs }, (callback, ms) => {
    const mine = { atMs: nowMs + ms, callback };
    timer = mine;
    return {
      clear: () => {
        if (timer === mine) timer = null;
      },
    };
  });
}

const at = (): number => Math.round(nowMs - START);

function shaperOf(
  profile: Partial<LinkProfile>,
  one = pacer(),
  link = new Link({ ...unlimited, ...profile }, 1, START),
) {
  const shaper: LinkShaper = new LinkShaper(
    link,
    {
      deliver(_, end) {
        delivered += end;
        events.push(`${at()}: ${end} down`);
      },
      send(pieces) {
        firstSent ??= pieces[0]?.[0] ?? null;
        events.push(`${at()}: ${pieces.map((piece) => piece.length)} up`);
        return true;
      },
      drained: () => events.push(`${at()}: drained`),
      resume: () => events.push(`${at()}: resume`),
      broken: () => {
        events.push(`${at()}: broken`);
        shaper.close();
      },
    },
    new Uint8Array(256 * 1024),
    one,
  );
  return shaper;
}

const bytes = new Uint8Array(64 * 1024);

describe('down', () => {
  it('what is due at once is handed on where it lies', () => {
    const shaper = shaperOf({});
    expect(shaper.read(500, bytes)).toBe(true);
    expect(events).toEqual(['0: 500 down']);
    expect(timer).toBeNull();
  });

  it('what is read stays for the delay, and is put together where it is due together', () => {
    const shaper = shaperOf({ delayMs: 100 });
    shaper.read(500, bytes);
    to(1);
    shaper.read(400, bytes);
    to(40);
    shaper.read(300, bytes);
    to(99);
    expect(events).toEqual([]);
    to(200);
    expect(events).toEqual(['100: 500 down', '104: 400 down', '140: 300 down']);
    expect(timer).toBeNull();
  });

  it('a busy line is not read until it has room, and carries what it should', () => {
    const shaper = shaperOf({ downBps: 800_000 });
    let going = true;
    // The kernel always has more.
    const readAll = (): void => {
      while (going) going = shaper.read(shaper.nextBuffer().length, bytes);
    };
    readAll();
    for (let ms = 1; ms <= 5_000; ms++) {
      const before = events.length;
      to(ms);
      if (events.slice(before).some((event) => event.endsWith('resume'))) {
        going = true;
        readAll();
      }
    }
    // 100 bytes a millisecond, and the burst of 20 ms.
    expect(delivered).toBeGreaterThan(495_000);
    expect(delivered).toBeLessThan(505_000);
    const resumed = events.filter((event) => event.endsWith('resume')).length;
    expect(resumed).toBeGreaterThan(100);
  });

  it('a long and wide line holds 4 MB and no more', () => {
    const shaper = shaperOf({ delayMs: 2_000 });
    let held = 0;
    while (shaper.read(bytes.length, bytes)) held += bytes.length;
    expect(held).toBe(4 * 1024 * 1024);
    to(1_999);
    expect(events).toEqual([]);
    to(2_100);
    expect(delivered).toBe(held + bytes.length);
    expect(events.at(-1)).toBe('2000: resume');
  });

  it('the end comes behind the last byte', () => {
    const shaper = shaperOf({ delayMs: 100, downBps: 800_000 });
    shaper.read(2_000, bytes);
    shaper.read(5_000, bytes);
    shaper.afterBytes(() => events.push(`${at()}: end`));
    to(1_000);
    expect(events).toEqual(['100: 2000 down', '152: 5000 down', '152: end']);
  });

  it('while it is held nothing comes out and nothing is read', () => {
    const shaper = shaperOf({ delayMs: 100 });
    shaper.read(500, bytes);
    shaper.hold();
    expect(shaper.read(300, bytes)).toBe(false);
    to(5_000);
    expect(events).toEqual([]);
    expect(timer).toBeNull();
    shaper.release();
    to(5_010);
    expect(events).toEqual(['5004: 800 down', '5004: resume']);
  });
});

describe('up', () => {
  it('pieces are copied, wait, and keep their order', () => {
    const shaper = shaperOf({ delayMs: 50, upBps: 80_000 });
    const piece = new Uint8Array(100);
    shaper.write([piece, new Uint8Array(60)]);
    piece.fill(1);
    shaper.write([piece]);
    expect(shaper.queuedBytes).toBe(260);
    to(200);
    expect(events).toEqual(['52: 100,60 up', '56: 100 up']);
    expect(shaper.queuedBytes).toBe(0);
    expect(firstSent).toBe(0);
  });

  it('asks to wait when much is on its way, and says when it is gone', () => {
    const shaper = shaperOf({ delayMs: 50 });
    expect(shaper.write([new Uint8Array(16 * 1024)])).toBe(true);
    expect(shaper.write([new Uint8Array(1)])).toBe(false);
    to(200);
    expect(events).toEqual(['52: 16384 up', '52: 1 up', '52: drained']);
  });

  it('gives back what has not left when it is closed', () => {
    const shaper = shaperOf({ delayMs: 50 });
    shaper.write([new Uint8Array(3)]);
    shaper.read(500, bytes);
    expect(shaper.close().map((piece) => piece.length)).toEqual([3]);
    to(1_000);
    expect(events).toEqual([]);
    expect(timer).toBeNull();
  });
});

describe('connecting', () => {
  it('costs the way up, and then the way down with so many round trips', () => {
    const shaper = shaperOf({ delayMs: 100 });
    shaper.afterUp(() => {
      events.push(`${at()}: dialled`);
      shaper.afterDown(2, () => events.push(`${at()}: open`));
    });
    to(2_000);
    expect(events).toEqual(['100: dialled', '600: open']);
  });

  it('what the server says first waits until it is open', () => {
    const shaper = shaperOf({ delayMs: 100 });
    shaper.afterDown(1, () => events.push(`${at()}: open`));
    shaper.read(10, bytes);
    to(1_000);
    expect(events).toEqual(['300: open', '300: 10 down']);
  });
});

describe('cuts', () => {
  it('silence: nothing comes out meanwhile', () => {
    const shaper = shaperOf({ cuts: [{ when: { atMs: 100 }, forMs: 300, kind: 'silence' }] });
    to(99);
    shaper.read(1, bytes);
    to(200);
    expect(shaper.read(2, bytes)).toBe(false);
    shaper.write([new Uint8Array(9)]);
    to(1_000);
    expect(events).toEqual(['99: 1 down', '360: resume', '400: 9 up', '400: 2 down']);
  });

  it('reset: breaks all connections of the link, and those that come later at the next one', () => {
    const profile = {
      ...unlimited,
      cuts: [
        { when: { atMs: 100 }, forMs: 0, kind: 'reset' as const },
        { when: { atMs: 500 }, forMs: 0, kind: 'reset' as const },
      ],
    };
    const one = pacer();
    const link = new Link(profile, 1, START);
    shaperOf({}, one, link);
    shaperOf({}, one, link);
    to(300);
    expect(events).toEqual(['100: broken', '100: broken']);
    shaperOf({}, one, link);
    to(1_000);
    expect(events.slice(2)).toEqual(['500: broken']);
  });
});

it('two connections of one viewer share the line', () => {
  const one = pacer();
  const link = new Link({ ...unlimited, downBps: 800_000 }, 1, START);
  const [first, second] = [shaperOf({}, one, link), shaperOf({}, one, link)];
  first.read(2_000, bytes);
  first.read(2_000, bytes);
  second.read(2_000, bytes);
  to(1_000);
  expect(events).toEqual(['0: 2000 down', '20: 2000 down', '40: 2000 down']);
});
