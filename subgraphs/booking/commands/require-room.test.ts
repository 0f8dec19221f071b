import { Registry } from 'prom-client';
import { expect, test, vi } from 'vitest';
import { unavailable } from '#platform/errors/errors.ts';
import type { SeatRequest } from '../domain/seat-requests.ts';
import { bookRequest, checkInRequest, holdRequest, joinRequest } from '../testing.ts';
import type { Allocator } from './allocator.ts';
import { measureRequests } from './allocator-metrics.ts';
import { requireRoom } from './require-room.ts';

test('a full outbox refuses what writes messages, which counts as an error, but nothing that sends no message, and no expiry', async () => {
  const submit = vi.fn(async () => ({ outcome: 'capacity-set' as const }));
  const inner = { submit, stop: async () => undefined } as unknown as Allocator;
  const relay = {
    requireRoom() {
      throw unavailable();
    },
  };
  const metrics = new Registry();
  const allocator = measureRequests(requireRoom(inner, relay), metrics);
  const about = { eventId: 'an-event', requestId: 'test' };
  const refused: SeatRequest[] = [
    bookRequest(about),
    { kind: 'cancel', bookingId: 'a-booking', hasDeadline: true, reason: null, ...about },
    holdRequest(about),
    { kind: 'confirm-hold', holdId: 'a-hold', ...about },
    { kind: 'release-hold', holdId: 'a-hold', ...about },
    joinRequest({ eventId: 'an-event' }),
  ];
  for (const request of refused) {
    await expect(allocator.submit(request)).rejects.toMatchObject({ extensions: { code: 'SERVICE_UNAVAILABLE' } });
  }
  expect(submit).not.toHaveBeenCalled();
  const text = await metrics.metrics();
  for (const { kind } of refused) {
    expect(text).toContain(`allocator_outcomes_total{kind="${kind}",outcome="error"} 1\n`);
  }
  await allocator.submit({ kind: 'set-capacity', eventId: 'an-event', totalSeats: 5 });
  await allocator.submit({ kind: 'expire-holds', eventId: 'an-event' });
  await allocator.submit({ kind: 'leave-waitlist', entryId: 'an-entry', eventId: 'an-event' });
  await allocator.submit(checkInRequest({ eventId: 'an-event', bookingId: 'a-booking' }));
  expect(submit).toHaveBeenCalledTimes(4);
});
