import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import type { BookOutcome } from '../domain/allocation.ts';
import { bookRequest } from '../testing.ts';
import type { Allocator } from './allocator.ts';
import { measureRequests } from './allocator-metrics.ts';

it('counts refusals by their reasons', async () => {
  const outcomes: BookOutcome[] = [
    { outcome: 'not-bookable', reason: 'EVENT_CANCELLED' },
    { outcome: 'not-bookable', reason: 'EVENT_STARTED' },
    { outcome: 'not-bookable', reason: 'EVENT_STARTED' },
    { outcome: 'sold-out', availableSeats: 0 },
  ];
  const metrics = new Registry();
  const inner = { submit: async () => outcomes.shift(), stop: async () => undefined } as unknown as Allocator;
  const allocator = measureRequests(inner, metrics);
  while (outcomes.length > 0) await allocator.submit(bookRequest({ eventId: 'an-event' }));
  const text = await metrics.metrics();
  expect(text.match(/(?<=^allocator_outcomes_total\{kind="book",outcome=).*/gm)).toEqual([
    '"event-cancelled"} 1',
    '"event-started"} 2',
    '"sold-out"} 1',
  ]);
});
