import { importJWK, SignJWT } from 'jose';
import { v7 as newId } from 'uuid';
import type { Secrets } from '#scripts/local/secrets.ts';

/** A user with an access token, created without registration and sign-in. */
export interface Buyer {
  readonly userId: string;
  /** The value of the Authorization header. */
  readonly authorization: string;
}

/** Creates `count` buyers with access tokens like those of signIn, valid for two hours. */
export async function signInMany(count: number, { privateKey }: Secrets, role = 'USER'): Promise<Buyer[]> {
  const key = await importJWK(privateKey, 'EdDSA');
  return Promise.all(
    Array.from({ length: count }, async () => {
      const userId = newId();
      const token = await new SignJWT({ role })
        .setProtectedHeader({ alg: 'EdDSA', kid: privateKey.kid ?? '' })
        .setSubject(userId)
        .setIssuer('event-booking-system')
        .setAudience('event-booking-system')
        .setExpirationTime('2h')
        .sign(key);
      return { userId, authorization: `Bearer ${token}` };
    }),
  );
}
