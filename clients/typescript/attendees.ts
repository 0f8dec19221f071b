import { OperationError, readAnswer } from './answers.ts';
import type { Client } from './client.ts';

/**
 * Asks for the attendees of an event as a CSV file, for its organizer and admins. The body of the response is the file. Its
 * reader fails when the file is incomplete.
 * @param url the address of the gateway, with /graphql
 * @throws OperationError when the download is refused
 */
export async function downloadAttendees(
  client: Pick<Client, 'accessToken'>,
  { url, eventId, signal }: { url: string; eventId: string; signal?: AbortSignal },
): Promise<Response> {
  const token = await client.accessToken();
  const response = await fetch(url.replace(/graphql$/, `events/${encodeURIComponent(eventId)}/attendees.csv`), {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(signal && { signal }),
  });
  if (response.ok) return response;
  const { errors = [] } = await readAnswer(response);
  throw new OperationError(errors, { isMutation: false });
}
