import { z } from 'zod';
import type { Broker } from '#platform/messaging/broker.ts';
import type { BookingChange } from '../context.ts';

/** What a message means for listeners. */
export interface Change {
  readonly eventId: string;
  /** Set for a message about a booking. */
  readonly booking?: BookingChange & { readonly userId: string };
}

const KINDS = { 'booking.confirmed.v1': 'CONFIRMED', 'booking.cancelled.v1': 'CANCELLED' } as const;
/** The account of the gateway needs the right to subscribe to these subjects, and no other right. */
export const TYPES = [...Object.keys(KINDS), 'event.updated.v1', 'event.cancelled.v1'];

/** The parts of the messages in docs/messages.md that matter here. */
const message = z.object({
  data: z.object({ eventId: z.string(), bookingId: z.string().optional(), userId: z.string().optional() }),
});

/** Reads a message. Returns undefined when it has another form: its loss is harmless. */
export function readChange(type: string, body: Uint8Array): Change | undefined {
  try {
    const { eventId, bookingId, userId } = message.parse(JSON.parse(Buffer.from(body).toString())).data;
    const kind = (KINDS as Record<string, BookingChange['kind']>)[type];
    if (kind === undefined || bookingId === undefined || userId === undefined) return { eventId };
    return { eventId, booking: { kind, bookingId, userId } };
  } catch {
    return undefined;
  }
}

const ACTIVE_TIMEOUT_MS = 1_000;

/**
 * Receives changes from the broker while somebody holds a place: a gateway without listeners receives nothing. Every
 * replica receives every change. `onInterruption` is called when changes may have been missed.
 */
export function createChanges({
  broker,
  onChange,
  onInterruption,
}: {
  broker: Pick<Broker, 'tap' | 'isConnected'>;
  onChange: (change: Change) => void;
  onInterruption: () => void;
}) {
  let holders = 0;
  let stop: (() => void) | undefined;
  let active = Promise.withResolvers<void>();

  function start(): void {
    active = Promise.withResolvers();
    stop = broker.tap({
      types: TYPES,
      onMessage(type, body) {
        const change = readChange(type, body);
        if (change !== undefined) onChange(change);
      },
      onChange() {
        active.resolve();
        onInterruption();
      },
    });
    setTimeout(active.resolve, broker.isConnected() ? ACTIVE_TIMEOUT_MS : 0);
  }

  return {
    /** Resolves when changes arrive from now on, or when the broker is away. */
    hold(): Promise<void> {
      holders += 1;
      if (holders === 1) start();
      return active.promise;
    },
    release(): void {
      holders -= 1;
      if (holders === 0) stop?.();
    },
  };
}
