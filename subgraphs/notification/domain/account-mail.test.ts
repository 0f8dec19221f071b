import { describe, expect, it } from 'vitest';
import { composeAccountMail, pauseAfterS } from './account-mail.ts';

const mail = {
  kind: 'PASSWORD_RESET',
  recipient: { name: 'Ada Lovelace', email: 'ada@example.com' },
  token: 'a-token_0',
  expiresAt: new Date('2030-06-01T19:30:00.000Z'),
  publicUrl: 'https://tickets.example.com',
} as const;

describe('a mail with a token', () => {
  it('has a link to the page that takes the token, in the fragment, and says how long it works', () => {
    const { subject, text, html } = composeAccountMail(mail);
    expect(subject).toBe('Set a new password');
    expect(text).toContain('\nhttps://tickets.example.com/reset-password#token=a-token_0\n');
    expect(text).toContain('Saturday, 1 June 2030 at 19:30 UTC');
    expect(html).toContain('href="https://tickets.example.com/reset-password#token=a-token_0"');
  });

  it('links to the page below the path of the public address', () => {
    const { text } = composeAccountMail({
      ...mail,
      kind: 'EMAIL_VERIFICATION',
      publicUrl: 'https://example.com/shop/',
    });
    expect(text).toContain('https://example.com/shop/verify-email#token=a-token_0\n');
  });

  it('gets no line or markup from the name', () => {
    const { text, html } = composeAccountMail({ ...mail, recipient: { name: '<b>\r\nBcc: eve', email: 'a@b.c' } });
    expect(text.split('\n')[0]).toBe('Hello <b> Bcc: eve,');
    expect(html).toContain('&lt;b&gt; Bcc: eve');
  });
});

it('the pauses between attempts double from a second to a minute', () => {
  expect([1, 2, 3, 6, 7, 50].map(pauseAfterS)).toEqual([1, 2, 4, 32, 60, 60]);
});
