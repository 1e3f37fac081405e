import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { InfluxDB, type IPoint } from 'influx';
import type { Point } from '../metrics/point.ts';
import type { Sink } from '../metrics/sink.ts';
import type { RunInfo } from '../metrics/summary.ts';
import { type InfluxdbAddress, parseInfluxdbUrl } from './influxdb-address.ts';
import { toInfluxdbPoint } from './influxdb-point.ts';

export interface InfluxdbSinkOptions {
  /** `http[s]://[user:password@]host[:8086]/database` */
  url: string;
  /** Told, in one sentence each, when the database stops and starts to answer. Default: standard error. */
  log?: (sentence: string) => void;
  limits?: Partial<InfluxdbLimits>;
}

export interface InfluxdbLimits {
  /** Points per request; 5,000 is what InfluxDB's makers advise. */
  batchPoints: number;
  /** Points that wait while the database does not answer; beyond it the oldest are dropped. */
  queuedPoints: number;
  /** One request. */
  requestMs: number;
  /** Wait before the first repetition of a request; each further one is twice as long, up to `longestRetryMs`. */
  firstRetryMs: number;
  longestRetryMs: number;
  /** A batch that was refused for so long is given up. */
  giveUpMs: number;
  /** Time that `close` has for what is left. */
  closeMs: number;
}

const defaultLimits: InfluxdbLimits = {
  batchPoints: 5_000,
  queuedPoints: 100_000,
  requestMs: 5_000,
  firstRetryMs: 250,
  longestRetryMs: 10_000,
  giveUpMs: 120_000,
  closeMs: 10_000,
};

/**
 * Writes each second's points to InfluxDB 1.x, one measurement per metric (`influxdbFields`). Sessions are not
 * written: their number is unbounded, and their figures are in the points; single sessions are in `run.duckdb`.
 *
 *     second() ─► queue (bounded, oldest dropped) ─► one batch at a time ─► influxd
 *                                                      └ refused: wait, twice as long each time, up to giveUpMs
 *
 * The run never waits for the database. `open` throws one sentence when it cannot be reached, but the sink goes on
 * trying: whoever started the run may print the sentence and keep the sink.
 * @throws Error with one sentence for a URL that cannot work
 */
export function createInfluxdbSink(options: InfluxdbSinkOptions): Sink {
  return new InfluxdbSink(options);
}

class InfluxdbSink implements Sink {
  readonly name = 'influxdb';
  lost = 0;
  readonly #address: InfluxdbAddress;
  readonly #limits: InfluxdbLimits;
  readonly #log: (sentence: string) => void;
  readonly #agent: HttpAgent;
  readonly #influx: InfluxDB;
  #always: { run?: string; scenario?: string } = {};
  #queue: IPoint[] = [];
  /** How many points at the head of the queue are being written. */
  #inFlight = 0;
  /** The loop that empties the queue, while there is something in it. */
  #sending: Promise<void> | null = null;
  #closed = false;
  /** `close` has counted what is left as lost: nothing more may be sent. */
  #abandoned = false;
  /** Cuts the wait before a repetition short. */
  #wake: () => void = () => {};
  /** The sentence that was last said about a failure; null while all is well. */
  #trouble: string | null = null;
  #lostBeforeTrouble = 0;

  constructor(options: InfluxdbSinkOptions) {
    this.#address = parseInfluxdbUrl(options.url);
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#log = options.log ?? ((sentence) => process.stderr.write(`${sentence}\n`));
    const { protocol, host, port, database, user, password } = this.#address;
    this.#agent = new (protocol === 'https' ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 2 });
    this.#influx = new InfluxDB({
      protocol,
      host,
      port,
      database,
      // The package logs in as root:root when there is no user, unless the user is null, which its types do not know.
      username: user as string,
      password,
      options: { agent: this.#agent },
      // It also takes a host out of use for a while after a failure. Retries are our business: no such pause.
      pool: { maxRetries: 0, requestTimeout: this.#limits.requestMs, backoff: noPause },
    });
  }

  async open(run: RunInfo): Promise<void> {
    this.#always = { run: run.id, scenario: run.name };
    try {
      await this.#createDatabase();
    } catch (error) {
      this.#lostBeforeTrouble = this.lost;
      this.#trouble = this.#sentence(error);
      throw new Error(this.#trouble);
    }
  }

  second(points: readonly Point[]): void {
    if (this.#closed) return;
    for (const point of points) {
      const converted = toInfluxdbPoint(point, this.#always);
      if (converted !== null) this.#queue.push(converted);
    }
    const excess = this.#queue.length - this.#limits.queuedPoints;
    if (excess > 0) {
      this.#queue.splice(this.#inFlight, excess);
      this.lost += excess;
    }
    if (this.#queue.length > 0) this.#sending ??= this.#sendAll();
  }

  session(): void {}

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake();
    if (this.#sending !== null) {
      // A database that has not answered for a while gets one last short chance, not the full time.
      const { closeMs } = this.#limits;
      await within(this.#trouble === null ? closeMs : Math.min(closeMs, lastChanceMs), this.#sending);
    }
    this.#abandoned = true;
    this.#wake();
    this.#agent.destroy();
    this.lost += this.#queue.length;
    this.#queue = [];
    if (this.#trouble !== null && this.lost > 0) {
      this.#log(`InfluxDB at ${this.#address.shown}: ${count(this.lost)} could not be written.`);
    }
  }

  /** Sends until the queue is empty; only one of it runs. */
  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      // The batch stays in the queue until its fate is known, so that the bound and `close` count every point once.
      const batch = this.#queue.slice(0, this.#limits.batchPoints);
      this.#inFlight = batch.length;
      const written = await this.#sendBatch(batch);
      if (this.#abandoned) return;
      this.#queue.splice(0, batch.length);
      this.#inFlight = 0;
      if (!written) this.lost += batch.length;
    }
    // Here and not in a `finally` of the caller: no point may arrive between the last look at the queue and this line.
    this.#sending = null;
  }

  /** True when the batch was written, false when it never will be. */
  async #sendBatch(batch: IPoint[]): Promise<boolean> {
    const { firstRetryMs, longestRetryMs, giveUpMs } = this.#limits;
    const startedMs = performance.now();
    for (let waitMs = firstRetryMs; !this.#abandoned; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
      try {
        await this.#write(batch);
        this.#sayWell();
        return true;
      } catch (error) {
        if (this.#abandoned) break;
        this.#sayTrouble(error);
        if (!isTemporary(error) || performance.now() - startedMs + waitMs > giveUpMs) break;
        await this.#pause(this.#closed ? firstRetryMs : waitMs);
      }
    }
    return false;
  }

  async #write(batch: IPoint[]): Promise<void> {
    try {
      await this.#timed(this.#influx.writePoints(batch, { precision: 'ms' }));
    } catch (error) {
      // Somebody dropped the database, or it was not reachable at the start.
      if (statusOf(error) !== 404) throw error;
      await this.#createDatabase();
      await this.#timed(this.#influx.writePoints(batch, { precision: 'ms' }));
    }
  }

  /** Creates the database where it is missing; one that exists is left as it is. */
  async #createDatabase(): Promise<void> {
    try {
      await this.#timed(this.#influx.createDatabase(this.#address.database));
    } catch (error) {
      // A user without the right to create it may still write into one that somebody else made.
      if (statusOf(error) !== 403) throw error;
    }
  }

  /** The package waits for ever when the answer breaks off in the middle. */
  async #timed<T>(request: Promise<T>): Promise<T> {
    const answer = await within(this.#limits.requestMs + 1_000, request);
    if (answer === timedOut) throw new Error('no answer in time');
    return answer;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #sayTrouble(error: unknown): void {
    const sentence = this.#sentence(error);
    if (sentence === this.#trouble) return;
    if (this.#trouble === null) this.#lostBeforeTrouble = this.lost;
    this.#trouble = sentence;
    this.#log(sentence);
  }

  #sayWell(): void {
    if (this.#trouble === null) return;
    this.#trouble = null;
    const lost = this.lost - this.#lostBeforeTrouble;
    this.#log(`InfluxDB at ${this.#address.shown} takes measurements again; ${count(lost)} lost meanwhile.`);
  }

  #sentence(error: unknown): string {
    const { shown, user } = this.#address;
    const status = statusOf(error);
    if (status === 401) {
      return user === null
        ? `InfluxDB at ${shown} wants a login: write it into the address as http://user:password@…`
        : `InfluxDB at ${shown} refused the login of "${user}": check user and password in the address.`;
    }
    if (status === 403)
      return `InfluxDB at ${shown} does not let "${user}" write: grant WRITE on the database.`;
    const detail = error instanceof Error ? error.message : String(error);
    if (status !== null) return `InfluxDB at ${shown} refused measurements: ${detail.trim()}`;
    if (error instanceof SyntaxError) return `What answers at ${shown} is no InfluxDB 1.x.`;
    return `InfluxDB at ${shown} does not answer (${detail}): the run goes on, its measurements wait or are dropped.`;
  }
}

const lastChanceMs = 1_000;

const noPause = { getDelay: () => 0, next: () => noPause, reset: () => noPause };

function count(points: number): string {
  return `${points.toLocaleString('en')} ${points === 1 ? 'point' : 'points'}`;
}

/** HTTP status of a refusal (`RequestError` of the package); null when there was no answer or a server failure (5xx). */
function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('res' in error)) return null;
  const { res } = error;
  const known = typeof res === 'object' && res !== null && 'statusCode' in res;
  return known && typeof res.statusCode === 'number' ? res.statusCode : null;
}

/** A refusal with a status stays a refusal, however often it is repeated; only 429 asks to come back later. */
function isTemporary(error: unknown): boolean {
  const status = statusOf(error);
  return status === null || status === 429;
}

const timedOut = Symbol('timed out');

async function within<T>(ms: number, promise: Promise<T>): Promise<T | typeof timedOut> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<typeof timedOut>((resolve) => {
    timer = setTimeout(resolve, ms, timedOut);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
