import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogLines } from '#tests/support/log-lines.ts';
import type { Lines } from '../store/lines.ts';
import { bookRequest, holdRequest } from '../testing.ts';
import { createAdmission, openAdmission } from './admission.ts';
import type { Allocator } from './allocator.ts';
import { createPlaces } from './places.ts';

const WAITING_MAX = 10;
const eventId = 'an-event';
/** The allocator of these tests decides nothing. */
const submit = vi.fn(() => new Promise<never>(() => undefined));
const allocator = { submit } as unknown as Allocator;
const lines = {
  isHealthy: () => true,
  open: vi.fn(async () => [] as string[]),
  enter: vi.fn<Lines['enter']>(async () => ({ number: 8, admitted: 7 })),
  useUp: vi.fn(async () => undefined),
  advance: vi.fn<Lines['advance']>(async () => ({ issued: 8, admitted: 7, decided: 0 })),
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.resetAllMocks();
  vi.useRealTimers();
});

async function start() {
  const places = createPlaces(['a secret of this test'], { lifeS: 60 });
  const { logger } = createLogLines();
  const metrics = new Registry();
  const admission = createAdmission({ allocator, lines, places, waitingMax: WAITING_MAX, logger, metrics });
  await vi.advanceTimersByTimeAsync(1);
  return admission;
}

it('without lines, every request goes to the allocator', () => {
  const request = bookRequest({ eventId });
  void openAdmission(allocator).submit(request, 'a-place');
  expect(submit.mock.calls).toEqual([[request]]);
});

it('Redis is not asked about a request while fewer than the bound wait for its event', async () => {
  const { submit: book } = await start();
  for (let index = 0; index < WAITING_MAX; index += 1) {
    void book(bookRequest({ eventId }), 'x');
    void book(holdRequest({ eventId: 'another-event' }));
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(lines.enter).not.toHaveBeenCalled();
  expect(submit).toHaveBeenCalledTimes(2 * WAITING_MAX);
  expect(await book(bookRequest({ eventId }))).toMatchObject({ outcome: 'queued', position: 0 });
  expect(lines.enter).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ mayOpen: true, hasRoom: false }));
});

it('the place belongs to the caller: an admin who books for others has one', async () => {
  lines.open.mockResolvedValue([eventId]);
  const { submit: book } = await start();
  await book(bookRequest({ eventId, userId: 'ada', callerId: 'an-admin' }));
  await book(holdRequest({ eventId, userId: 'bob' }));
  expect(lines.enter.mock.calls.map(([{ userId }]) => userId)).toEqual(['an-admin', 'bob']);
});

it('of many newcomers at once, only half the bound may pass an empty line', async () => {
  lines.open.mockResolvedValue([eventId]);
  const { submit: book } = await start();
  await Promise.all(Array.from({ length: 100 }, () => book(bookRequest({ eventId }))));
  const flags = lines.enter.mock.calls.map(([{ hasRoom, mayOpen }]) => ({ hasRoom, mayOpen }));
  expect(flags.filter(({ hasRoom }) => hasRoom)).toHaveLength(WAITING_MAX / 2);
  expect(flags.filter(({ mayOpen }) => mayOpen)).toEqual([]);
});

it('a process gives no turns while it is full', async () => {
  lines.open.mockResolvedValue([eventId]);
  lines.enter.mockResolvedValue({ number: 7, admitted: 7 });
  const { submit: book } = await start();
  for (let index = 0; index < WAITING_MAX; index += 1) void book(bookRequest({ eventId }));
  await vi.advanceTimersByTimeAsync(400);
  lines.advance.mockClear();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(lines.advance.mock.calls.length).toBeGreaterThan(3);
  for (const [, step] of lines.advance.mock.calls) expect(step).toEqual({ turns: 0, decided: 0, isBusy: true });
});
