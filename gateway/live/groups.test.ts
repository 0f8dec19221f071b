import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { BookingChange } from '../context.ts';
import { type Answer, createChangeGroup, createStateGroup } from './groups.ts';

const INTERVAL_MS = 100;
const complete = (json: string): Answer => ({ json, isIncomplete: false });

/** A group whose listeners are names. `received` holds what each of them got. */
function observe(answer: (change?: BookingChange) => Promise<Answer>) {
  const received: Record<string, string[]> = {};
  return {
    received,
    parts: {
      answer: vi.fn(answer),
      async deliver(json: string, listeners: Iterable<string>) {
        for (const name of listeners) received[name] = [...(received[name] ?? []), json];
      },
      intervalMs: () => INTERVAL_MS,
    },
  };
}

describe('a group that follows a state', () => {
  it('answers a new listener at once, and all of them after a change', async () => {
    let seats = 9;
    const { received, parts } = observe(async () => complete(String(seats)));
    const group = createStateGroup(parts);
    group.add('ada');
    await vi.waitFor(() => expect(received).toEqual({ ada: ['9'] }));
    group.add('bob');
    await vi.waitFor(() => expect(received).toEqual({ ada: ['9'], bob: ['9'] }));
    seats = 8;
    group.changed();
    await vi.waitFor(() => expect(received).toEqual({ ada: ['9', '8'], bob: ['9', '8'] }));
  });

  it('answers many changes with few executions, at least an interval apart, and the last state reaches everybody', async () => {
    let seats = 1_000;
    const startedAtMs: number[] = [];
    const { received, parts } = observe(async () => {
      startedAtMs.push(performance.now());
      return complete(String(seats));
    });
    const group = createStateGroup(parts);
    group.add('ada');
    for (let change = 0; change < 50; change += 1) {
      seats -= 1;
      group.changed();
      await delay(5);
    }
    await vi.waitFor(() => expect(received.ada?.at(-1)).toBe('950'));
    expect(startedAtMs.length).toBeLessThan(30);
    const pauses = startedAtMs.slice(2).map((startMs, index) => startMs - (startedAtMs[index + 1] ?? 0));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(INTERVAL_MS - 1);
  });

  it('answers during a flood of changes', async () => {
    const { received, parts } = observe(async () => complete('9'));
    const group = createStateGroup(parts);
    group.add('ada');
    let isFlooding = true;
    const flood = async () => {
      while (isFlooding) {
        group.changed();
        await nextTurn();
      }
    };
    const flooded = flood();
    await vi
      .waitFor(() => expect(received.ada).toEqual(['9']))
      .finally(() => {
        isFlooding = false;
      });
    await flooded;
  });

  it('never executes twice at a time, and answers a change that came meanwhile', async () => {
    let [running, runningMax, state] = [0, 0, 0];
    const { received, parts } = observe(async () => {
      running += 1;
      runningMax = Math.max(runningMax, running);
      const seen = state;
      await delay(INTERVAL_MS * 2);
      running -= 1;
      return complete(String(seen));
    });
    const group = createStateGroup(parts);
    group.add('ada');
    await vi.waitFor(() => expect(parts.answer).toHaveBeenCalled());
    state = 1;
    group.changed();
    group.add('bob');
    await vi.waitFor(() => expect([received.ada?.at(-1), received.bob?.at(-1)]).toEqual(['1', '1']));
    expect(runningMax).toBe(1);
  });

  it('does not repeat an answer, but a newcomer that saw more does not keep it from the others', async () => {
    let seats = 9;
    const { received, parts } = observe(async () => complete(String(seats)));
    const group = createStateGroup(parts);
    group.add('ada');
    await vi.waitFor(() => expect(received.ada).toEqual(['9']));
    group.changed();
    await vi.waitFor(() => expect(parts.answer).toHaveBeenCalledTimes(2));
    // The change is visible before its message arrives. The message may even be lost.
    seats = 8;
    group.add('bob');
    await vi.waitFor(() => expect(received).toEqual({ ada: ['9', '8'], bob: expect.arrayContaining(['8']) }));
  });

  it('answers again when a subgraph did not answer', async () => {
    vi.useFakeTimers();
    let isUp = false;
    const { received, parts } = observe(async () => ({ json: isUp ? 'whole' : 'part', isIncomplete: !isUp }));
    createStateGroup(parts).add('ada');
    await vi.advanceTimersByTimeAsync(100);
    isUp = true;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(received.ada).toEqual(['part', 'whole']);
    vi.useRealTimers();
  });

  it('executes nothing without listeners', async () => {
    const { parts } = observe(async () => complete(''));
    const group = createStateGroup(parts);
    group.add('ada');
    group.remove('ada');
    group.changed();
    await delay(INTERVAL_MS * 2);
    expect(parts.answer).not.toHaveBeenCalled();
  });
});

describe('a group that follows changes', () => {
  const confirmed = (bookingId: string): BookingChange => ({ kind: 'CONFIRMED', bookingId });
  const shown = async (change?: BookingChange) => complete(`${change?.kind} ${change?.bookingId ?? ''}`.trim());

  it('begins with REFRESH for each listener, and then answers each change in order', async () => {
    const { received, parts } = observe(shown);
    const group = createChangeGroup(parts);
    group.add('tab 1');
    await vi.waitFor(() => expect(received['tab 1']).toEqual(['REFRESH']));
    group.changed(confirmed('a'));
    group.changed(confirmed('b'));
    await vi.waitFor(() => expect(received['tab 1']).toEqual(['REFRESH', 'CONFIRMED a', 'CONFIRMED b']));
    group.add('tab 2');
    await vi.waitFor(() => expect(received['tab 2']).toEqual(['REFRESH']));
  });

  it('answers only the last change of a booking, and one REFRESH for too many changes', async () => {
    const { received, parts } = observe(async (change) => {
      await delay(20);
      return shown(change);
    });
    const group = createChangeGroup(parts);
    group.add('ada');
    group.changed(confirmed('a'));
    group.changed({ kind: 'CANCELLED', bookingId: 'a' });
    await vi.waitFor(() => expect(received.ada).toEqual(['REFRESH', 'CANCELLED a']));
    for (let change = 0; change < 200; change += 1) group.changed(confirmed(String(change)));
    await vi.waitFor(() => expect(received.ada?.at(-1)).toBe('CONFIRMED 199'), { timeout: 3_000 });
    expect(received.ada?.length).toBeLessThan(30);
    expect(received.ada?.slice(2)).toContain('REFRESH');
  });
});
