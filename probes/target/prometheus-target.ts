import type { FiguresSource, TargetFigures } from './figures.ts';
import { type PrometheusSample, readPrometheusText } from './prometheus-text.ts';

const LIMIT_MS = 2_000;
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Making the page costs the target something: after it this many times what the answer took is waited. */
const PAUSE_FACTOR = 20;

/** How a figure is made from a metric of the page: its series added up. */
interface Rule {
  readonly figure: keyof TargetFigures;
  readonly metric: string;
  /** `rate`: a counter, per second. */
  readonly kind: 'rate' | 'level';
  readonly factor?: number;
  readonly takes?: (labels: string) => boolean;
}

const notLoopback = (labels: string): boolean => !/device="lo"/.test(labels);
const notIdle = (labels: string): boolean => !/mode="(idle|iowait|steal|guest|guest_nice)"/.test(labels);

/**
 * The usual names, the better first: a process' own (Prometheus' client libraries), those of servers (SRS, mediamtx,
 * nginx's exporter), and the whole machine's (node exporter). The first rule of a figure that finds something is taken.
 */
const rules: readonly Rule[] = [
  { figure: 'cpu', metric: 'process_cpu_seconds_total', kind: 'rate' },
  { figure: 'cpu', metric: 'srs_cpu_percent', kind: 'level', factor: 0.01 },
  { figure: 'cpu', metric: 'node_cpu_seconds_total', kind: 'rate', takes: notIdle },
  { figure: 'rssBytes', metric: 'process_resident_memory_bytes', kind: 'level' },
  // SRS counts its memory in kilobytes.
  { figure: 'rssBytes', metric: 'srs_memory', kind: 'level', factor: 1024 },
  { figure: 'fds', metric: 'process_open_fds', kind: 'level' },
  { figure: 'threads', metric: 'process_threads', kind: 'level' },
  { figure: 'threads', metric: 'go_threads', kind: 'level' },
  { figure: 'sockets', metric: 'srs_clients', kind: 'level' },
  { figure: 'sockets', metric: 'nginx_connections_active', kind: 'level' },
  { figure: 'sockets', metric: 'paths_readers', kind: 'level' },
  { figure: 'sockets', metric: 'node_netstat_Tcp_CurrEstab', kind: 'level' },
  { figure: 'sentBps', metric: 'srs_send_bytes_total', kind: 'rate', factor: 8 },
  { figure: 'sentBps', metric: 'paths_bytes_sent', kind: 'rate', factor: 8 },
  {
    figure: 'sentBps',
    metric: 'node_network_transmit_bytes_total',
    kind: 'rate',
    factor: 8,
    takes: notLoopback,
  },
  { figure: 'receivedBps', metric: 'srs_receive_bytes_total', kind: 'rate', factor: 8 },
  { figure: 'receivedBps', metric: 'paths_bytes_received', kind: 'rate', factor: 8 },
  {
    figure: 'receivedBps',
    metric: 'node_network_receive_bytes_total',
    kind: 'rate',
    factor: 8,
    takes: notLoopback,
  },
];
const names = new Set(rules.map(({ metric }) => metric));

/** A target that tells of itself at a Prometheus address. */
export class PrometheusTarget implements FiguresSource {
  readonly node: string;
  readonly #url: string;
  readonly #request: (url: string) => Promise<string>;
  readonly #last = new Map<Rule, number>();
  #lastMs = 0;
  #nextMs = 0;
  #complaint: string | null = null;
  #told = false;
  #useful = false;

  constructor(url: string, request: (url: string) => Promise<string> = requestText) {
    this.node = new URL(url).host;
    this.#url = url;
    this.#request = request;
  }

  get description(): string {
    return `Prometheus figures of ${this.node}`;
  }

  complaint(): string | null {
    const complaint = this.#complaint;
    this.#complaint = null;
    return complaint;
  }

  async sample(nowMs: number): Promise<TargetFigures> {
    if (nowMs < this.#nextMs) return {};
    this.#nextMs = Number.POSITIVE_INFINITY;
    const startedMs = performance.now();
    try {
      const text = await this.#request(this.#url);
      const figures = this.read(text, nowMs);
      if (!this.#useful) this.#complain('it holds no figure that is known here');
      return figures;
    } catch (error) {
      this.#complain((error as Error).message);
      return {};
    } finally {
      this.#nextMs = nowMs + Math.max(900, PAUSE_FACTOR * (performance.now() - startedMs) - 100);
    }
  }

  /** Figures of one page. Rates are there from the second page on. */
  read(text: string, nowMs: number): TargetFigures {
    const sums = new Map<Rule, number>();
    const add = ({ name, labels, value }: PrometheusSample): void => {
      for (const rule of rules)
        if (rule.metric === name && (rule.takes?.(labels) ?? true))
          sums.set(rule, (sums.get(rule) ?? 0) + value);
    };
    readPrometheusText(text, names, add);
    this.#useful ||= sums.size > 0;
    const elapsedMs = nowMs - this.#lastMs;
    const figures: { -readonly [figure in keyof TargetFigures]: number } = {};
    const taken = new Set<keyof TargetFigures>();
    for (const rule of rules) {
      const sum = sums.get(rule);
      if (sum === undefined || taken.has(rule.figure)) continue;
      taken.add(rule.figure);
      const factor = rule.factor ?? 1;
      if (rule.kind === 'level') figures[rule.figure] = sum * factor;
      else {
        const last = this.#last.get(rule);
        // A counter that went back was started anew: nothing is known of this while.
        if (last !== undefined && sum >= last && elapsedMs > 0)
          figures[rule.figure] = ((sum - last) * factor * 1000) / elapsedMs;
        this.#last.set(rule, sum);
      }
    }
    this.#lastMs = nowMs;
    return figures;
  }

  #complain(why: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#complaint = `The figures of the target at ${this.node} could not be read: ${why}.`;
  }
}

/** @throws Error with the reason in words */
async function requestText(url: string): Promise<string> {
  let response: Response;
  const signal = AbortSignal.timeout(LIMIT_MS);
  try {
    response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'text/plain' } });
  } catch (error) {
    throw new Error(signal.aborted ? `no answer within ${LIMIT_MS / 1000} s` : causeOf(error as FetchError));
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`it answered ${response.status}`);
  }
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > MAX_BODY_BYTES) throw new Error(`it is longer than ${MAX_BODY_BYTES} bytes`);
    text += decoder.decode(piece, { stream: true });
  }
  return text;
}

/** `fetch` says "fetch failed"; why is in the cause. */
interface FetchError extends Error {
  cause: { code?: string } | undefined;
}

function causeOf(error: FetchError): string {
  return error.cause?.code ?? error.message;
}
