import { expect, test } from 'vitest';
import { refusalOf } from './refusal.mjs';

const user = { platform: 'linux', uid: 1000, sudoUid: undefined, ownerUid: 1000 };

test('a user may run the commands on Linux and macOS', () => {
  expect(refusalOf(user)).toBe('');
  expect(refusalOf({ ...user, platform: 'darwin' })).toBe('');
});

test('on Windows the refusal names WSL and Docker', () => {
  expect(refusalOf({ ...user, platform: 'win32', uid: undefined })).toMatch(/WSL.*docker compose up/s);
});

test('sudo is refused in the folder of a user', () => {
  expect(refusalOf({ ...user, uid: 0, sudoUid: '1000' })).toMatch(/^Run this command without sudo\./);
});

test.each([
  ['root without sudo in its own folder', { uid: 0, ownerUid: 0 }],
  ['root without sudo in the folder of a user, as in a container', { uid: 0 }],
  ['sudo in a folder of root', { uid: 0, sudoUid: '1000', ownerUid: 0 }],
  ['sudo called by root', { uid: 0, sudoUid: '0' }],
])('%s is allowed', (_name, caller) => {
  expect(refusalOf({ ...user, ...caller })).toBe('');
});
