import type { TlsOptions } from '../clients/viewer.ts';

/** What a publisher thread is told to do: plain data that crosses thread borders. */
export interface PublishersPlan {
  readonly publishers: readonly PublisherPlan[];
  /** Of rtmps:// addresses. */
  readonly tls?: TlsOptions;
}

export interface PublisherPlan {
  /** Goes into the stamp of every frame, so that viewers know whose it is. */
  readonly number: number;
  /** The tag: application and name, never a query. */
  readonly stream: string;
  readonly url: string;
  readonly source: SourcePlan;
}

export interface SourcePlan {
  /** `testcard`: encoded live. `recording`: the test card encoded once, replayed by many. `file`: a media file as live. */
  readonly kind: 'testcard' | 'recording' | 'file';
  /** Of `file`: an absolute path. */
  readonly path?: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly bitsPerSecond: number;
  readonly gopMs: number;
}
