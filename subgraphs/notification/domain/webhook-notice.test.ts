import { expect, test } from 'vitest';
import { composeNotice } from './webhook-notice.ts';

const compose = ({ reason = 'FAILING', name = 'Ada' }: { reason?: 'FAILING' | 'GONE'; name?: string }) =>
  composeNotice({
    webhookId: 'w',
    url: 'https://shop.example/hooks?a=b&c=d',
    attempts: 1,
    reason,
    recipient: { name, email: 'ada@example.com' },
  });

test('the mail says which endpoint is off and why, as text and as HTML', () => {
  const { subject, text, html } = compose({});
  expect(subject).toBe('Webhook switched off: shop.example');
  expect(text).toContain('because all requests to it have failed for 24 hours.\n');
  expect(text).toContain('Endpoint: https://shop.example/hooks?a=b&c=d\n');
  expect(html).toContain('<p>Endpoint: https://shop.example/hooks?a=b&amp;c=d</p>');
  for (const form of Object.values(compose({ reason: 'GONE' })).slice(1)) expect(form).toContain('410 (Gone)');
});

test('a name cannot add a line or markup', () => {
  const { text, html } = compose({ name: '<b>Ada\r\nBcc: eve@example.com' });
  expect(text).toContain('Hello <b>Ada Bcc: eve@example.com,\n');
  expect(html).toContain('<p>Hello &lt;b&gt;Ada Bcc: eve@example.com,</p>');
});
