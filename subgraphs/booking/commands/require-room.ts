import type { Publisher } from '#platform/outbox/publisher.ts';
import type { SeatRequest } from '../domain/seat-requests.ts';
import type { Allocator } from './allocator.ts';

/** The kinds of requests that need no room of their own. */
const WITHOUT_ROOM: ReadonlySet<SeatRequest['kind']> = new Set([
  'set-capacity',
  'expire-holds',
  'leave-waitlist',
  'check-in',
]);

/**
 * Returns the same allocator, which refuses requests of users while the outbox has no room for their messages. Holds
 * expire all the same: each writes one message, and the outbox had room when the seats were held. The two messages of an
 * offer also had room when its user joined the waiting list. Check-ins and changes of the capacity write no message. The
 * allocator's metrics count these refusals as errors.
 */
export const requireRoom = ({ submit, stop }: Allocator, relay: Pick<Publisher, 'requireRoom'>): Allocator => ({
  async submit(request, options) {
    if (!WITHOUT_ROOM.has(request.kind)) relay.requireRoom();
    return submit(request, options);
  },
  stop,
});
