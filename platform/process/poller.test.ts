import { describe, expect, it, vi } from 'vitest';
import { createPoller } from './poller.ts';

const HOUR_MS = 3_600_000;

describe('a poller', () => {
  const start = (run: () => Promise<boolean>, { intervalMs = HOUR_MS, pauseMs = 0, onError = vi.fn() } = {}) =>
    createPoller({ intervalMs, pauseMs, run, onError });

  it('runs again at once while there is more to do', async () => {
    let left = 3;
    const poller = start(async () => --left > 0);
    await vi.waitFor(() => expect(left).toBe(0));
    await poller.stop();
  });

  it('runs when nudged, one run at a time', async () => {
    let running = 0;
    let runs = 0;
    const poller = start(async () => {
      expect(++running).toBe(1);
      await new Promise(setImmediate);
      running -= 1;
      runs += 1;
      return false;
    });
    await vi.waitFor(() => expect(runs).toBe(1));
    for (let i = 0; i < 5; i += 1) poller.nudge();
    await vi.waitFor(() => expect(runs).toBeGreaterThanOrEqual(2));
    await poller.stop();
  });

  it('runs again after a nudge during a run', async () => {
    let release: () => void = () => undefined;
    const run = vi.fn(
      () =>
        new Promise<boolean>((resolve) => {
          release = () => resolve(false);
        }),
    );
    const poller = start(run);
    poller.nudge();
    release();
    await vi.waitFor(() => expect(run).toHaveBeenCalledTimes(2));
    release();
    const stopped = poller.stop();
    await vi.waitFor(() => {
      release();
      expect(run).toHaveBeenCalledTimes(3);
    });
    release();
    await stopped;
  });

  it('runs at once for the first nudge, and once after the pause for the following ones', async () => {
    vi.useFakeTimers();
    try {
      const run = vi.fn().mockResolvedValue(false);
      const poller = start(run, { pauseMs: 25 });
      await vi.advanceTimersByTimeAsync(25);
      expect(run).toHaveBeenCalledTimes(1);
      poller.nudge();
      await vi.advanceTimersByTimeAsync(0);
      expect(run).toHaveBeenCalledTimes(2);
      for (let count = 0; count < 24; count += 1) {
        poller.nudge();
        await vi.advanceTimersByTimeAsync(1);
      }
      expect(run).toHaveBeenCalledTimes(2);
      await vi.advanceTimersByTimeAsync(1);
      expect(run).toHaveBeenCalledTimes(3);
      await poller.stop();
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends its pause when it is stopped', async () => {
    const run = vi.fn().mockResolvedValue(false);
    const poller = start(run, { pauseMs: HOUR_MS });
    await vi.waitFor(() => expect(run).toHaveBeenCalledTimes(1));
    poller.nudge();
    await poller.stop();
    expect(run).toHaveBeenCalledTimes(2);
  });

  it('continues after an error', async () => {
    const onError = vi.fn();
    const run = vi.fn().mockRejectedValueOnce(new Error('once')).mockResolvedValue(false);
    const poller = start(run, { intervalMs: 1, onError });
    await vi.waitFor(() => expect(run.mock.calls.length).toBeGreaterThan(2));
    expect(onError).toHaveBeenCalledTimes(1);
    await poller.stop();
  });

  it('runs once more when it is stopped', async () => {
    const run = vi.fn().mockResolvedValue(false);
    const poller = start(run);
    await vi.waitFor(() => expect(run).toHaveBeenCalledTimes(1));
    await poller.stop();
    expect(run).toHaveBeenCalledTimes(2);
  });
});
