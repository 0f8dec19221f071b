import { z } from 'zod';
import { text } from '#platform/errors/validation.ts';

const PASSWORD_CHARACTERS_MIN = 12;
const PASSWORD_CHARACTERS_MAX = 128;

/** Validated as it was typed, then converted to lower case for the unique index. */
const email = text(1, 254)
  .pipe(z.email('must be an e-mail address'))
  .transform((value) => value.toLowerCase());

/** Spaces are kept. Normalized to NFC, so that a password is the same on every keyboard (RFC 8265, 4.2). */
const password = (charactersMin: number) =>
  text(charactersMin, PASSWORD_CHARACTERS_MAX, { trim: false }).transform((value) => value.normalize('NFC'));

/** The rules for the input of createUser. */
export const createUserRules = z.object({
  name: text(1, 120),
  email,
  password: password(PASSWORD_CHARACTERS_MIN),
});

export type CreateUserRequest = z.output<typeof createUserRules>;

/** The rules for the input of signIn. They set no minimum length: old passwords stay valid if the minimum is raised. */
export const signInRules = z.object({ email, password: password(1) });

export type SignInRequest = z.output<typeof signInRules>;
