import { z } from 'zod';
import { text } from '#platform/errors/validation.ts';

const PASSWORD_CHARACTERS_MIN = 12;
const PASSWORD_CHARACTERS_MAX = 128;

/** Validated as it was typed, then converted to lower case for the unique index. */
export const emailRules = text(1, 254)
  .pipe(z.email('must be an e-mail address'))
  .transform((value) => value.toLowerCase());

/** Spaces are kept. Normalized to NFC, so that a password is the same on every keyboard (RFC 8265, 4.2). */
const password = (charactersMin: number) =>
  text(charactersMin, PASSWORD_CHARACTERS_MAX, { trim: false }).transform((value) => value.normalize('NFC'));

/** The rules for the input of createUser. */
export const createUserRules = z.object({
  name: text(1, 120),
  email: emailRules,
  password: password(PASSWORD_CHARACTERS_MIN),
});

export type CreateUserRequest = z.output<typeof createUserRules>;

/** The rules for the input of signIn. They set no minimum length: old passwords stay valid if the minimum is raised. */
export const signInRules = z.object({ email: emailRules, password: password(1) });

export type SignInRequest = z.output<typeof signInRules>;

/** The rules for the input of changePassword. */
export const changePasswordRules = z.object({
  currentPassword: password(1),
  newPassword: password(PASSWORD_CHARACTERS_MIN),
});

export type ChangePasswordRequest = z.output<typeof changePasswordRules>;

/** The rules for the input of resetPassword. */
export const resetPasswordRules = z.object({ token: z.string(), newPassword: password(PASSWORD_CHARACTERS_MIN) });

export type ResetPasswordRequest = z.output<typeof resetPasswordRules>;

/** The rules for the input of deleteAccount. */
export const deleteAccountRules = z.object({ password: password(1) });

export type DeleteAccountRequest = z.output<typeof deleteAccountRules>;
