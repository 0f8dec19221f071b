import { z } from 'zod';
import type { StreamDefinition } from '#platform/messaging/broker.ts';

/** The stream that stores the user subgraph's messages. */
export const userStream: StreamDefinition = {
  name: 'USERS',
  subjects: ['user.>'],
  consumers: ['booking-users', 'notification-users'],
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

/** A request for a mail with a token. */
export const tokenRequest = z
  .object({
    userId: z.uuid().describe('The user who gets the mail. If no account has the e-mail, an id that nobody has'),
    sealedToken: z
      .string()
      .nullable()
      .describe('The token, encrypted with ACCOUNT_MAIL_SECRET for this user. Null: send no mail'),
    expiresAt: z.iso
      .datetime()
      .transform((value) => new Date(value))
      .describe('When the token expires. Send no mail later'),
  })
  .meta({
    examples: [
      {
        userId: '0193f0a0-5c1e-7b44-9d0a-2f6f1c0e8a11',
        sealedToken: 'c2VhbGVkLi4u',
        expiresAt: '2030-06-01T19:30:00.000Z',
      },
    ],
  });

/** A user who deleted their account. */
export const userDeletion = z
  .object({ userId: z.uuid() })
  .meta({ examples: [{ userId: '0193f0a0-5c1e-7b44-9d0a-2f6f1c0e8a11' }] });

export const userMessages = {
  'user.registered.v1': userRegistration.describe('A user has registered.'),
  'user.password-reset-requested.v1': tokenRequest.describe('Somebody wants to set a new password.'),
  'user.email-verification-requested.v1': tokenRequest.describe('A user wants to verify their e-mail.'),
  'user.deleted.v1': userDeletion.describe(
    'A user has deleted their account. Forget the person. It may arrive before older messages about the user.',
  ),
} as const;
