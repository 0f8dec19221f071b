import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Client } from '#client/client.ts';
import { exportAccount } from '#client/export.ts';
import {
  AccountDocument,
  type AccountQuery,
  ChangePasswordDocument,
  DeleteAccountDocument,
  EndSessionDocument,
  RequestEmailVerificationDocument,
  RequestPasswordResetDocument,
  SignOutEverywhereDocument,
  VerifyEmailDocument,
} from '#client/generated/graphql.ts';
import { LocalError } from '../local/settings.ts';
import { accept } from './accept.ts';

type Sessions = NonNullable<NonNullable<AccountQuery['me']>['sessions']>;

/** Asks for passwords without showing them. Reads lines of standard input if it is not a terminal. */
export async function readPasswords<Labels extends readonly string[]>(
  ...labels: Labels
): Promise<{ [Index in keyof Labels]: string }> {
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output, terminal: process.stdin.isTTY });
  const given: string[] = [];
  const ask = () => process.stdin.isTTY && process.stderr.write(`${labels[given.length]}: `);
  ask();
  for await (const line of lines) {
    given.push(line);
    if (process.stdin.isTTY) process.stderr.write('\n');
    if (given.length === labels.length) return given as { [Index in keyof Labels]: string };
    ask();
  }
  throw new LocalError('A password is needed.');
}

const describeSession = ({ id, createdAt, lastUsedAt, current }: Sessions[number]) =>
  `${id}  signed in ${createdAt}, last used ${lastUsedAt}${current ? '  (this one)' : ''}`;

/** Runs a command about the user's account. Returns what to print, or undefined if it is another command. */
export async function runForAccount(client: Client, command: string, text: string): Promise<string | undefined> {
  switch (command) {
    case 'forgot-password':
      await client.request(RequestPasswordResetDocument, { email: text });
      return 'If there is an account with this e-mail, a mail is on its way.';
    case 'reset-password': {
      const [newPassword] = await readPasswords('New password');
      const { user } = accept(await client.resetPassword({ token: text, newPassword }));
      return `The password is changed. Signed in as ${user.name}.`;
    }
    case 'change-password': {
      const [currentPassword, newPassword] = await readPasswords('Current password', 'New password');
      accept(
        (await client.request(ChangePasswordDocument, { input: { currentPassword, newPassword } })).changePassword,
      );
      return 'The password is changed. Your other sessions have ended.';
    }
    case 'verify-email':
      if (text === '') {
        await client.request(RequestEmailVerificationDocument);
        return 'A mail is on its way, unless your e-mail is already verified.';
      }
      accept((await client.request(VerifyEmailDocument, { token: text })).verifyEmail);
      return 'The e-mail is verified.';
    case 'sessions': {
      const { me } = await client.request(AccountDocument);
      return me?.sessions?.map(describeSession).join('\n') || 'Nobody is signed in.';
    }
    case 'end-session':
      await client.request(EndSessionDocument, { id: text });
      return 'The session has ended.';
    case 'sign-out-everywhere':
      await client.request(SignOutEverywhereDocument);
      await client.signOut();
      return 'Signed out everywhere.';
    case 'export':
      return JSON.stringify(await exportAccount(client), null, 2);
    case 'delete-account': {
      const [password] = await readPasswords('Password');
      accept((await client.request(DeleteAccountDocument, { input: { password } })).deleteAccount);
      await client.signOut();
      return 'The account is deleted.';
    }
    default:
      return undefined;
  }
}
