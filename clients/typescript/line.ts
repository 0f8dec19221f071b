import type { CreateBookingMutation } from './generated/graphql.ts';
import { delay } from './send.ts';

/** A place in the line of an event. */
export type Queued = Pick<
  Extract<CreateBookingMutation['createBooking'], { __typename: 'QueuedError' }>,
  'place' | 'position' | 'comeBackAt'
>;

export interface LineOptions {
  /**
   * Is called with each place in a line. With it, the client waits and calls again with the place, until the result is
   * another one. Without it, the result can be a QueuedError.
   */
  readonly onQueued?: (queued: Queued) => void;
  readonly signal?: AbortSignal;
}

/** The server asks for waits in these bounds. They apply also when the clock of this machine is wrong. */
const WAIT_MS = { min: 1_000, max: 61_000 };

/** Calls with the latest place in the line until the caller's turn has come. */
export async function takeTurn<Result extends { readonly __typename: string }>(
  call: (place: Pick<Queued, 'place'> | undefined) => Promise<Result>,
  { onQueued, signal }: LineOptions = {},
): Promise<Result> {
  let result = await call(undefined);
  while (onQueued !== undefined && isQueued(result)) {
    onQueued(result);
    const { place, comeBackAt } = result;
    await delay(Math.min(Math.max(Date.parse(comeBackAt) - Date.now(), WAIT_MS.min), WAIT_MS.max), signal);
    result = await call({ place });
  }
  return result;
}

const isQueued = <Result extends { readonly __typename: string }>(result: Result): result is Result & Queued =>
  result.__typename === 'QueuedError';
