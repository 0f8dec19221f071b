import type { Publisher } from '#platform/outbox/publisher.ts';
import type { Allocator } from './allocator.ts';

/**
 * Returns the same allocator, which refuses requests of users while the outbox has no room for their messages. Holds
 * expire all the same: each writes one message, and the outbox had room when the seats were held. The allocator's
 * metrics count these refusals as errors.
 */
export const requireRoom = ({ submit, stop }: Allocator, relay: Pick<Publisher, 'requireRoom'>): Allocator => ({
  async submit(request, options) {
    if (request.kind !== 'set-capacity' && request.kind !== 'expire-holds') relay.requireRoom();
    return submit(request, options);
  },
  stop,
});
