/** Numbers as a reader wants them; the same in Markdown, JUnit and HTML. */
const number = (value: number, digits: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: digits });

/** At most three digits that matter: 0.012, 3.46, 812, 12,345. */
const rounded = (value: number): string => {
  const magnitude = Math.abs(value);
  return number(
    value,
    magnitude >= 100 || magnitude === 0 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 4,
  );
};

/** `1,234 ms`, `12.3 s`, `640 kbit/s`, `1.2 %`, `no data`. */
export function formatValue(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined || Number.isNaN(value)) return 'no data';
  const magnitude = Math.abs(value);
  switch (unit) {
    case 'ms':
      if (magnitude >= 10_000) return `${number(value / 1000, 1)} s`;
      return `${number(value, magnitude < 10 ? 1 : 0)} ms`;
    case 'bit/s':
      return scaled(value, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s']);
    case 'bytes':
      return scaled(value, ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']);
    case 'ratio':
      return `${number(value * 100, magnitude < 0.1 ? 2 : 1)} %`;
    case '':
    case 'score':
      return rounded(value);
    default:
      return `${rounded(value)} ${unit}`;
  }
}

/** Two values that belong together, the unit once where it is the same: `279 / 626 ms`. */
export function formatPair(
  first: number | null | undefined,
  second: number | null | undefined,
  unit: string,
): string {
  const [left, right] = [formatValue(first, unit), formatValue(second, unit)];
  if (left === right && left === 'no data') return left;
  const [leftUnit, rightUnit] = [left, right].map((text) => text.slice(text.indexOf(' ')));
  return `${leftUnit === rightUnit ? left.slice(0, left.indexOf(' ')) : left} / ${right}`;
}

function scaled(value: number, units: readonly [string, ...string[]]): string {
  let index = 0;
  let rest = value;
  while (Math.abs(rest) >= 1000 && index < units.length - 1) {
    rest /= 1000;
    index++;
  }
  return `${rounded(rest)} ${units[index]}`;
}

/** A duration for reading: `45 s`, `2 min 30 s`, `1 h 5 min`. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000);
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (seconds < 60) return `${seconds} s`;
  const [hours, minutes, rest] = [
    Math.floor(seconds / 3600),
    Math.floor((seconds % 3600) / 60),
    seconds % 60,
  ];
  const parts =
    hours > 0
      ? [
          [hours, 'h'],
          [minutes, 'min'],
        ]
      : [
          [minutes, 'min'],
          [rest, 's'],
        ];
  return parts.flatMap(([amount, unit]) => (amount === 0 ? [] : [`${amount} ${unit}`])).join(' ');
}

/** `2 sessions`, `1 session`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count, 0)} ${count === 1 ? one : many}`;
}
