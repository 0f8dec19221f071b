/** How the times between two arrivals are distributed: exponentially, as of independent users, or all equal. */
export const ARRIVALS = ['poisson', 'constant'] as const;
export type Arrivals = (typeof ARRIVALS)[number];

/** Returns the times of `count` arrivals in ms from the beginning, in order, with `ratePerS` arrivals per second. */
export function arrivalTimesMs(
  count: number,
  { ratePerS, arrivals, random = Math.random }: { ratePerS: number; arrivals: Arrivals; random?: () => number },
): number[] {
  const gapMs = 1_000 / ratePerS;
  let atMs = 0;
  return Array.from({ length: count }, () => {
    atMs += arrivals === 'constant' ? gapMs : -Math.log(1 - random()) * gapMs;
    return atMs;
  });
}
