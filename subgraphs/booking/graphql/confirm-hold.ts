import { requireCaller } from '#platform/identity/identity.ts';
import { confirmHold as confirm } from '../commands/end-hold.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { holdNotFound } from './hold.ts';
import { notBookableError } from './seats-refusal.ts';

export const confirmHold: MutationResolvers['confirmHold'] = async (_parent, { input }, context) => {
  const { dependencies, inventories, holds, requestId } = context;
  const caller = requireCaller(context.caller);
  const result = await confirm(dependencies, { caller, requestId, input });
  holds.clear(input.id);
  switch (result.outcome) {
    case 'confirmed':
      inventories.clear(result.booking.eventId);
      return { __typename: 'ConfirmHoldPayload', booking: result.booking, replayed: result.replayed };
    case 'hold-ended': {
      const { status, endedAt, expiresAt, eventId } = result.hold;
      inventories.clear(eventId);
      const ended =
        status === 'EXPIRED'
          ? { code: 'HOLD_EXPIRED', message: 'The hold has expired. Hold or book the seats again.' }
          : { code: 'HOLD_RELEASED', message: 'The hold was released. Hold or book the seats again.' };
      return { __typename: 'HoldEndedError', ...ended, endedAt: endedAt ?? expiresAt };
    }
    case 'not-bookable':
      return notBookableError(result);
    case 'unknown-hold':
      return holdNotFound;
  }
};
