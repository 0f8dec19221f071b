import type { Publisher } from '#platform/outbox/publisher.ts';
import type { Allocator } from './allocator.ts';

/**
 * Returns the same allocator, which refuses bookings and cancellations while the outbox has no room for their messages.
 * The allocator's metrics count these refusals as errors.
 */
export const requireRoom = ({ submit, stop }: Allocator, relay: Pick<Publisher, 'requireRoom'>): Allocator => ({
  async submit(request, options) {
    if (request.kind !== 'set-capacity') relay.requireRoom();
    return submit(request, options);
  },
  stop,
});
