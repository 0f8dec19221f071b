import { unavailable } from '#platform/errors/errors.ts';
import type { DeadLetter } from '../domain/dead-letter.ts';
import { findDeadLetter, markRedriven } from '../store/dead-letters.ts';
import type { NotificationDependencies } from './dependencies.ts';

/**
 * Puts a dead letter back on its subject, byte by byte; null when there is no such one. Every consumer of the stream
 * gets it again: the message's own id stays, so that it has no second effect where it had one already.
 * @throws SERVICE_UNAVAILABLE while the broker does not take it
 */
export async function redriveDeadLetter(
  { database, broker, newId }: Pick<NotificationDependencies, 'database' | 'broker' | 'newId'>,
  id: string,
): Promise<DeadLetter | null> {
  const deadLetter = await findDeadLetter(database, id);
  if (deadLetter === null) return null;
  await putBack({ broker, newId }, deadLetter);
  // A crash before this line: it does not show as redriven, and may be redriven again.
  await markRedriven(database, [id]);
  return findDeadLetter(database, id);
}

/** Publishes a dead letter on its subject. @throws SERVICE_UNAVAILABLE while the broker does not take it */
export async function putBack(
  { broker, newId }: Pick<NotificationDependencies, 'broker' | 'newId'>,
  { subject, payload }: DeadLetter,
): Promise<void> {
  if (!broker.isConnected()) throw unavailable();
  const { client } = await broker.jetStream();
  try {
    // An id of its own for the broker, whose duplicate window would swallow the message's.
    await client.publish(broker.subject(subject), payload, { msgID: newId() });
  } catch (error) {
    throw unavailable(error);
  }
}
