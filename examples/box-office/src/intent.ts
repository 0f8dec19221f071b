/** A booking that the user wants. Its key makes all attempts one booking, even after a reload. */
export interface Intent {
  readonly idempotencyKey: string;
  readonly userId: string;
  readonly eventId: string;
  readonly seatCount: number;
}

const NAME = 'box-office-intent';

/**
 * Each tab has its own intent: sessionStorage survives a reload, but other tabs do not see it. The intent is kept until
 * its outcome is known.
 */
export const intents = {
  load: (): Intent | null => JSON.parse(sessionStorage.getItem(NAME) ?? 'null'),
  save: (intent: Intent): void => sessionStorage.setItem(NAME, JSON.stringify(intent)),
  clear: (): void => sessionStorage.removeItem(NAME),
};
