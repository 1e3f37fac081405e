/** How long a session lasts: always the same, or by a log-normal law, which is what measured view times look like. */
export type SessionLength =
  | { readonly kind: 'fixed'; readonly lengthMs: number }
  | { readonly kind: 'log-normal'; readonly medianMs: number; readonly p95Ms: number };

/** The standard normal law's 95th percentile. */
const Z95 = 1.6448536269514722;

/** The length for a chance from 0 to 1 (both left out): the law's quantile there. */
export function sessionLengthMs(length: SessionLength, chance: number): number {
  if (length.kind === 'fixed') return length.lengthMs;
  const spread = Math.log(length.p95Ms / length.medianMs) / Z95;
  return length.medianMs * Math.exp(spread * normalQuantile(chance));
}

/** Inverse of the standard normal distribution by Acklam's rational approximation (relative error below 1.2e-9). */
function normalQuantile(chance: number): number {
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
    2.506628277459239,
  ];
  const b = [
    -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1,
  ];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
  const polynomial = (factors: readonly number[], x: number) =>
    factors.reduce((sum, factor) => sum * x + factor, 0);
  if (chance > 0.5) return -normalQuantile(1 - chance);
  if (chance < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(chance));
    return polynomial(c, q) / polynomial(d, q);
  }
  const q = chance - 0.5;
  return (q * polynomial(a, q * q)) / polynomial(b, q * q);
}
