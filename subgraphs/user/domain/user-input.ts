import { z } from 'zod';
import { text } from '#platform/errors/validation.ts';

const PASSWORD_CHARACTERS_MIN = 12;
const PASSWORD_CHARACTERS_MAX = 128;

/** Checked as it was typed, then lower-cased: one spelling for the unique index. */
const email = text(1, 254)
  .pipe(z.email('must be an e-mail address'))
  .transform((value) => value.toLowerCase());

/** Spaces count; composed characters, so that one password typed on two keyboards is the same (RFC 8265, 4.2). */
const password = (charactersMin: number) =>
  text(charactersMin, PASSWORD_CHARACTERS_MAX, { trim: false }).transform((value) => value.normalize('NFC'));

/** The rules of createUser's input. */
export const createUserRules = z.object({
  name: text(1, 120),
  email,
  password: password(PASSWORD_CHARACTERS_MIN),
});

export type CreateUserRequest = z.output<typeof createUserRules>;

/** The form that credentials have at all. A password's minimum may rise; who has a shorter one can still sign in. */
export const signInRules = z.object({ email, password: password(1) });

export type SignInRequest = z.output<typeof signInRules>;
