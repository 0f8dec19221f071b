import { expect, test } from 'vitest';
import { composeNotice } from './webhook-notice.ts';

test('the mail says which endpoint is off and why, and a name cannot add a line', () => {
  const notice = { webhookId: 'w', url: 'https://shop.example/hooks?a=b', attempts: 1, email: 'ada@example.com' };
  const { subject, text } = composeNotice({ ...notice, reason: 'FAILING', name: 'Ada\r\nBcc: eve@example.com' });
  expect(subject).toBe('Webhook switched off: shop.example');
  expect(text).toContain('Hello Ada Bcc: eve@example.com,\n');
  expect(text).toContain('because all requests to it have failed for 24 hours.\n');
  expect(text).toContain('Endpoint: https://shop.example/hooks?a=b\n');
  expect(composeNotice({ ...notice, reason: 'GONE', name: 'Ada' }).text).toContain('410 (Gone)');
});
