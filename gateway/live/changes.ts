import type { Broker } from '#platform/messaging/broker.ts';
import type { BookingChange } from '../context.ts';

/** What a message means for listeners. */
export interface Change {
  readonly eventId: string;
  /** Set for a message about a booking. */
  readonly booking?: BookingChange & { readonly userId: string };
}

const KINDS: Readonly<Record<string, BookingChange['kind']>> = {
  'booking.confirmed.v1': 'CONFIRMED',
  'booking.cancelled.v1': 'CANCELLED',
};
/** The account of the gateway needs the right to subscribe to these subjects, and no other right. */
export const TYPES = [
  ...Object.keys(KINDS),
  'hold.created.v1',
  'hold.confirmed.v1',
  'hold.released.v1',
  'hold.expired.v1',
  'event.updated.v1',
  'event.cancelled.v1',
];

const decoder = new TextDecoder();

/**
 * Reads the fields of a message that are needed here, see docs/messages.md. Returns undefined for a message of another
 * form.
 */
export function readChange(type: string, body: Uint8Array): Change | undefined {
  try {
    const { data } = JSON.parse(decoder.decode(body)) as { data: Partial<Record<string, unknown>> };
    const { eventId, bookingId, userId } = data;
    if (typeof eventId !== 'string') return undefined;
    const kind = KINDS[type];
    if (kind === undefined || typeof bookingId !== 'string' || typeof userId !== 'string') return { eventId };
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
