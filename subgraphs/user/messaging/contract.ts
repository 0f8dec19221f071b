import { z } from 'zod';
import type { StreamDefinition } from '#platform/messaging/broker.ts';

/** Where the user subgraph's messages are kept. */
export const userStream: StreamDefinition = {
  name: 'USERS',
  subjects: ['user.>'],
  consumers: ['notification-users'],
  bytesMax: 128 * 2 ** 20,
};

/** A new user, and where to reach it. */
export const userRegistration = z
  .object({
    userId: z.uuid(),
    name: z.string().describe('As the user wrote it: any text, to be escaped where it is shown'),
    email: z.string().describe('In lower case; never to be logged'),
  })
  .meta({
    examples: [{ userId: '0193f0a0-5c1e-7b44-9d0a-2f6f1c0e8a11', name: 'Ada Lovelace', email: 'ada@example.com' }],
  });

export const userMessages = {
  'user.registered.v1': userRegistration.describe('Somebody has an account now, and can be reached.'),
} as const;
