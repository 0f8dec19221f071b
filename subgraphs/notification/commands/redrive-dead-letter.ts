import { unavailable } from '#platform/errors/errors.ts';
import type { DeadLetter } from '../domain/dead-letter.ts';
import { findDeadLetter, markRedriven } from '../store/dead-letters.ts';
import type { NotificationDependencies } from './dependencies.ts';

/**
 * Publishes a dead letter again on its subject, byte for byte, and returns it. Returns null when the id is unknown. All
 * consumers of the stream receive the message again. It keeps its id, so consumers that have applied it ignore it.
 * @throws SERVICE_UNAVAILABLE when the broker does not accept the message
 */
export async function redriveDeadLetter(
  { database, broker, newId }: Pick<NotificationDependencies, 'database' | 'broker' | 'newId'>,
  id: string,
): Promise<DeadLetter | null> {
  const deadLetter = await findDeadLetter(database, id);
  if (deadLetter === null) return null;
  await putBack({ broker, newId }, deadLetter);
  // After a crash before this line, the dead letter is not marked as redriven and may be redriven again.
  await markRedriven(database, [id]);
  return findDeadLetter(database, id);
}

/** Publishes a dead letter on its subject. @throws SERVICE_UNAVAILABLE when the broker does not accept it */
export async function putBack(
  { broker, newId }: Pick<NotificationDependencies, 'broker' | 'newId'>,
  { subject, payload }: DeadLetter,
): Promise<void> {
  if (!broker.isConnected()) throw unavailable();
  const { client } = await broker.jetStream();
  try {
    // A new broker id. With the message's own id, the broker could drop the message as a duplicate.
    await client.publish(broker.subject(subject), payload, { msgID: newId() });
  } catch (error) {
    throw unavailable(error);
  }
}
