import { LRUCache } from 'lru-cache';

/** The state of a key's window after points were taken from it. */
interface TakenPoints {
  /** All points taken in the window, including these. */
  readonly consumedPoints: number;
  readonly msBeforeNext: number;
}

/** The points that this process has taken from a key's shared window and not used yet. */
interface Lease {
  left: number;
  endsAtMs: number;
  /** True if the shared window has no more points. */
  isLast: boolean;
}

/** A request for points, and the callers' points that it must bring at least. */
interface Renewal {
  points: number;
  isSent: boolean;
  readonly done: Promise<void>;
}

/** The share of a budget that one process takes at once, and the maximum. A small budget is taken point by point. */
const LEASE_SHARE = 1 / 50;
const LEASE_POINTS_MAX = 32;

/**
 * Draws on shared budgets of `points` in leases: a process takes several points in one request and uses them without
 * further requests. All processes together never use more than `points` in a window. A key can be refused early, by
 * the points that other processes have taken and not used, at most a fiftieth of the budget for each process.
 * Concurrent draws on a key share one request.
 * @param takeShared takes points from the window that all processes share, even if too few are left
 */
export function createLeases({
  points,
  keysMax,
  takeShared,
}: {
  points: number;
  keysMax: number;
  takeShared: (key: string, points: number, windowS: number) => Promise<TakenPoints>;
}) {
  const leasePoints = Math.min(Math.max(1, Math.floor(points * LEASE_SHARE)), LEASE_POINTS_MAX);
  const leases = new LRUCache<string, Lease>({ max: keysMax });
  const renewals = new Map<string, Renewal>();

  /** Returns the lease of the key's present window. */
  function leaseOf(key: string): Lease | undefined {
    const lease = leases.get(key);
    return lease !== undefined && performance.now() < lease.endsAtMs ? lease : undefined;
  }

  async function take(key: string, asked: number, windowS: number): Promise<void> {
    const { consumedPoints, msBeforeNext } = await takeShared(key, asked, windowS);
    const granted = Math.min(Math.max(0, points - (consumedPoints - asked)), asked);
    leases.set(key, {
      left: (leaseOf(key)?.left ?? 0) + granted,
      endsAtMs: performance.now() + msBeforeNext,
      isLast: granted < asked,
    });
  }

  /** Takes more points for a key. Callers of the same moment join one request; later callers wait for it first. */
  function renew(key: string, cost: number, windowS: number): Promise<void> {
    const current = renewals.get(key);
    if (current !== undefined) {
      if (!current.isSent) current.points += cost;
      return current.done;
    }
    const renewal: Renewal = {
      points: cost,
      isSent: false,
      done: Promise.resolve()
        .then(() => {
          renewal.isSent = true;
          return take(key, Math.max(leasePoints, renewal.points), windowS);
        })
        .finally(() => renewals.delete(key)),
    };
    renewals.set(key, renewal);
    return renewal.done;
  }

  return {
    /**
     * Draws `cost` points of a key's budget.
     * @returns undefined when they are granted, or else the milliseconds until the window ends
     */
    async draw(key: string, { cost, windowS }: { cost: number; windowS: number }): Promise<number | undefined> {
      for (;;) {
        const lease = leaseOf(key);
        if (lease !== undefined && lease.left >= cost) {
          lease.left -= cost;
          return undefined;
        }
        if (lease?.isLast) {
          lease.left = 0;
          return lease.endsAtMs - performance.now();
        }
        await renew(key, cost, windowS);
      }
    },
    /** Ends the lease of a key. */
    end: (key: string) => void leases.delete(key),
  };
}
