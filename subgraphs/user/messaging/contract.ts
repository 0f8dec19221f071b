import { z } from 'zod';
import type { StreamDefinition } from '#platform/messaging/broker.ts';

/** Where the user subgraph's messages are kept. */
export const userStream: StreamDefinition = { name: 'USERS', subjects: ['user.>'] };

/** A new user, and where to reach it. */
export const userRegistration = z.object({
  userId: z.uuid(),
  name: z.string(),
  email: z.string(),
});

export const userMessages = { 'user.registered.v1': userRegistration } as const;
