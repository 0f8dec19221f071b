const FIRST_PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 60_000;
/** A pause varies by this part of it, so that replicas do not probe together. */
const JITTER = 0.2;

export type ChannelPause = ReturnType<typeof createChannelPause>;

/**
 * Keeps a channel that is away from being tried with every notification. While it is away, one delivery at a time probes
 * it, after pauses that double from a second to a minute; the first that gets through ends the pause.
 */
export function createChannelPause({ nowMs, random }: { nowMs: () => number; random: () => number }) {
  let failures = 0;
  let pausedSinceMs = 0;
  let pausedUntilMs = 0;
  return {
    isAway: () => failures > 0,
    /** How many of `free` deliveries may begin now, beside those in flight. */
    roomFor({ free, inFlight }: { free: number; inFlight: number }): number {
      if (failures === 0) return free;
      return nowMs() < pausedUntilMs ? 0 : Math.max(0, 1 - inFlight);
    },
    /** The delivery begun at `begunAtMs` found the channel away. Those begun before the pause tell nothing new. */
    foundAway(begunAtMs: number): void {
      if (failures > 0 && begunAtMs < pausedSinceMs) return;
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, PAUSE_MS_MAX);
      failures += 1;
      pausedSinceMs = nowMs();
      pausedUntilMs = pausedSinceMs + pauseMs * (1 - JITTER + 2 * JITTER * random());
    },
    /** A delivery got through to the channel. */
    foundThere(): void {
      failures = 0;
    },
  };
}
