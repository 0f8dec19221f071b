import { unavailable } from '#platform/errors/errors.ts';
import type { RedriveDeadLettersRequest } from '../domain/bulk-input.ts';
import { findWaitingDeadLetters, markRedriven } from '../store/dead-letters.ts';
import type { NotificationDependencies } from './dependencies.ts';
import { putBack } from './redrive-dead-letter.ts';

/** Payloads in memory at once. */
const CHUNK = 10;

/**
 * Puts dead letters back on their subjects that were never put back, at most `limit`, and tells whether there are more.
 * @throws SERVICE_UNAVAILABLE while the broker takes none; when it stops taking them, the count says how far this came
 */
export async function redriveDeadLetters(
  dependencies: Pick<NotificationDependencies, 'database' | 'broker' | 'newId'>,
  { filter, limit }: RedriveDeadLettersRequest,
): Promise<{ redrivenCount: number; hasMore: boolean }> {
  const { database } = dependencies;
  let redrivenCount = 0;
  while (true) {
    const size = Math.min(CHUNK, limit - redrivenCount);
    const [letters, hasMore] = await findWaitingDeadLetters(database, { filter, limit: size });
    const outcomes = await Promise.allSettled(letters.map((letter) => putBack(dependencies, letter)));
    const done = letters.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    // A crash before this line: they do not show as redriven, and may be redriven again.
    await markRedriven(
      database,
      done.map(({ id }) => id),
    );
    redrivenCount += done.length;
    if (done.length < letters.length) {
      if (redrivenCount === 0) throw unavailable();
      return { redrivenCount, hasMore: true };
    }
    if (!hasMore || redrivenCount >= limit) return { redrivenCount, hasMore };
  }
}
