import { z } from 'zod';
import type { StreamDefinition } from '#platform/messaging/broker.ts';

/** The stream that stores the user subgraph's messages. */
export const userStream: StreamDefinition = {
  name: 'USERS',
  subjects: ['user.>'],
  consumers: ['notification-users'],
  bytesMax: 128 * 2 ** 20,
};

/** A new user with their e-mail address. */
export const userRegistration = z
  .object({
    userId: z.uuid(),
    name: z.string().describe('As the user typed it. It may contain any text: escape it for display'),
    email: z.string().describe('In lower case. Do not log it'),
  })
  .meta({
    examples: [{ userId: '0193f0a0-5c1e-7b44-9d0a-2f6f1c0e8a11', name: 'Ada Lovelace', email: 'ada@example.com' }],
  });

export const userMessages = {
  'user.registered.v1': userRegistration.describe('A user has registered.'),
} as const;
