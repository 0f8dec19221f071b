import { expect, test } from 'vitest';
import { currentDeadlineMs, runWithDeadline } from '#platform/clients/deadline.ts';
import type { BookRequest } from '../domain/seat-requests.ts';
import type { BatchAllocation } from './allocate-batch.ts';
import { createAllocator } from './allocator.ts';
import { keepDeadlines } from './keep-deadlines.ts';

const request = (bookingId: string): BookRequest => ({
  kind: 'book',
  bookingId,
  eventId: 'event',
  userId: 'ada',
  seatCount: 1,
  callerId: 'ada',
  idempotencyKey: bookingId,
  requestId: 'test',
});

test('A queued request is not booked after its caller’s deadline, and batches have no deadline', async () => {
  const batches: { ids: string[]; deadlineMs: number }[] = [];
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const allocateFree: BatchAllocation['allocateFree'] = async (batch) => {
    batches.push({ ids: batch.map((one) => (one as BookRequest).bookingId), deadlineMs: currentDeadlineMs() });
    begun.resolve();
    await held.promise;
    return batch.map(() => ({ outcome: 'unknown-event' }));
  };
  const allocator = keepDeadlines(
    createAllocator({
      allocation: { allocateFree, allocateHeld: async () => [] },
      queueMax: 10,
      queueTimeoutMs: 5_000,
      heldLanesMax: 1,
    }),
  );
  const submit = (id: string, atMs: number) => runWithDeadline({ atMs }, () => allocator.submit(request(id)));

  const first = submit('first', performance.now() + 5_000);
  await begun.promise;
  const hurried = submit('hurried', performance.now());
  const patient = submit('patient', performance.now() + 5_000);
  held.resolve();
  await expect(hurried).rejects.toMatchObject({ extensions: { code: 'SERVICE_UNAVAILABLE' } });
  await Promise.all([first, patient]);
  expect(batches).toEqual([
    { ids: ['first'], deadlineMs: Infinity },
    { ids: ['patient'], deadlineMs: Infinity },
  ]);
});
