const FIRST_PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 60_000;
/** Each pause varies by up to this fraction, so that replicas do not probe at the same time. */
const JITTER = 0.2;

export type ChannelPause = ReturnType<typeof createChannelPause>;

/**
 * Pauses a channel that is away (unavailable), so that not every notification tries it. While the channel is away, one
 * delivery at a time probes it, after pauses that double from 1 s to 60 s. The first success ends the pause.
 */
export function createChannelPause({ nowMs, random }: { nowMs: () => number; random: () => number }) {
  let failures = 0;
  let pausedSinceMs = 0;
  let pausedUntilMs = 0;
  return {
    isAway: () => failures > 0,
    /** Returns how many of the `free` deliveries may start now, in addition to those in flight. */
    roomFor({ free, inFlight }: { free: number; inFlight: number }): number {
      if (failures === 0) return free;
      return nowMs() < pausedUntilMs ? 0 : Math.max(0, 1 - inFlight);
    },
    /** Records that a delivery begun at `begunAtMs` found the channel away. Ignores one begun before the pause. */
    foundAway(begunAtMs: number): void {
      if (failures > 0 && begunAtMs < pausedSinceMs) return;
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, PAUSE_MS_MAX);
      failures += 1;
      pausedSinceMs = nowMs();
      pausedUntilMs = pausedSinceMs + pauseMs * (1 - JITTER + 2 * JITTER * random());
    },
    /** Records that a delivery reached the channel. */
    foundAvailable(): void {
      failures = 0;
    },
  };
}
