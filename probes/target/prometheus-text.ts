/** Prometheus' text format (exposition format 0.0.4), as far as sums over a metric's series need it. */

/** A page with more lines than this is read up to there. */
const MAX_LINES = 200_000;

export interface PrometheusSample {
  readonly name: string;
  /** The labels as they are written, between the braces. */
  readonly labels: string;
  readonly value: number;
}

/** Calls for each sample of the names asked for; lines that are none are passed over. */
export function readPrometheusText(
  text: string,
  names: ReadonlySet<string>,
  sample: (sample: PrometheusSample) => void,
): void {
  let lines = 0;
  for (let at = 0; at < text.length && lines < MAX_LINES; lines++) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const found = text[at] === '#' ? null : readLine(text.slice(at, end), names);
    if (found) sample(found);
    at = end + 1;
  }
}

function readLine(line: string, names: ReadonlySet<string>): PrometheusSample | null {
  const name = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0];
  if (name === undefined || !names.has(name)) return null;
  let [at, labels] = [name.length, ''];
  if (line[at] === '{') {
    const close = closingBrace(line, at);
    if (close < 0) return null;
    labels = line.slice(at + 1, close);
    at = close + 1;
  }
  // The value, and perhaps a time after it.
  const word = line.slice(at).trim().split(/\s+/)[0] ?? '';
  const value = word === '' ? Number.NaN : Number(word);
  return Number.isFinite(value) ? { name, labels, value } : null;
}

/** A brace within a label's value does not close the labels. */
function closingBrace(line: string, open: number): number {
  let quoted = false;
  for (let at = open + 1; at < line.length; at++) {
    if (quoted && line[at] === '\\') at++;
    else if (line[at] === '"') quoted = !quoted;
    else if (line[at] === '}' && !quoted) return at;
  }
  return -1;
}
