import type { Recipient } from './delivery.ts';
import { escapeHtml, FOR_PEOPLE, htmlPage, type MailContent, onOneLine } from './mail.ts';

export type AccountMailKind = 'PASSWORD_RESET' | 'EMAIL_VERIFICATION';

/** A mail with a token that waits to be sent. It is not a notification, so that no list shows it. */
export interface AccountMail {
  readonly userId: string;
  readonly kind: AccountMailKind;
  readonly messageId: string;
  readonly sealedToken: string;
  readonly expiresAt: Date;
  /** The number of attempts that were started. */
  readonly attempts: number;
  readonly requestId: string | null;
}

const WORDS: Readonly<Record<AccountMailKind, { title: string; path: string; reason: string; otherwise: string }>> = {
  PASSWORD_RESET: {
    title: 'Set a new password',
    path: 'reset-password',
    reason: 'Somebody asked to set a new password for your account. If it was you, open this page:',
    otherwise: 'If it was not you, ignore this mail. Your password stays as it is.',
  },
  EMAIL_VERIFICATION: {
    title: 'Verify your e-mail address',
    path: 'verify-email',
    reason: 'To show that this e-mail address is yours, open this page:',
    otherwise: 'If you have no account with us, ignore this mail.',
  },
};

/**
 * Writes the mail with a token. The token is in the fragment of the link, which browsers do not send to any server, so it
 * is in no log.
 */
export function composeAccountMail({
  kind,
  recipient,
  token,
  expiresAt,
  publicUrl,
}: Pick<AccountMail, 'kind' | 'expiresAt'> & {
  recipient: Recipient;
  token: string;
  publicUrl: string;
}): MailContent {
  const { title, path, reason, otherwise } = WORDS[kind];
  const link = `${publicUrl.replace(/\/+$/, '')}/${path}#token=${token}`;
  const greeting = `Hello ${onOneLine(recipient.name)},`;
  const until = `The link works once, until ${FOR_PEOPLE.format(expiresAt)} UTC.`;
  return {
    subject: title,
    text: [greeting, '', reason, '', link, '', until, otherwise, ''].join('\n'),
    html: htmlPage(title, [
      `<p>${escapeHtml(greeting)}</p>`,
      `<p>${reason}</p>`,
      `<p><a href="${escapeHtml(link)}">${title}</a></p>`,
      `<p>${until} ${otherwise}</p>`,
    ]),
  };
}

const FIRST_PAUSE_S = 1;
const PAUSE_S_MAX = 60;

/** Returns the pause after this many failed attempts: 1 s, then twice as long each time, up to a minute. */
export const pauseAfterS = (attempts: number): number => Math.min(FIRST_PAUSE_S * 2 ** (attempts - 1), PAUSE_S_MAX);
