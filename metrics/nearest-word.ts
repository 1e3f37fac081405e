/**
 * The valid word that a mistyped one most likely meant; null when none is near.
 * Near is: at most a third of its letters wrong (two in short words), or the beginning of the valid word.
 */
export function nearestWord(word: string, valid: Iterable<string>): string | null {
  const typed = word.toLowerCase();
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(typed.length / 3)) + 1;
  for (const candidate of valid) {
    const target = candidate.toLowerCase();
    const begun = typed.length >= 3 && target.startsWith(typed);
    const distance = begun ? Math.min(1, target.length - typed.length) : editDistance(typed, target);
    // A word that is wrong in every letter is no neighbour, however short it is.
    if (distance < bestDistance && distance < Math.max(typed.length, 1)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours each cost 1. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
