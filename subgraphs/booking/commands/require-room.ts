import type { Publisher } from '#platform/outbox/publisher.ts';
import type { SeatRequest } from '../domain/seat-requests.ts';
import type { Allocator } from './allocator.ts';

const WITHOUT_ROOM: ReadonlySet<SeatRequest['kind']> = new Set(['set-capacity', 'expire-holds', 'check-in']);

/**
 * Returns the same allocator, which refuses requests of users while the outbox has no room for their messages. Holds
 * expire all the same: each writes one message, and the outbox had room when the seats were held. Check-ins and changes
 * of the capacity write no message. The allocator's metrics count these refusals as errors.
 */
export const requireRoom = ({ submit, stop }: Allocator, relay: Pick<Publisher, 'requireRoom'>): Allocator => ({
  async submit(request, options) {
    if (!WITHOUT_ROOM.has(request.kind)) relay.requireRoom();
    return submit(request, options);
  },
  stop,
});
