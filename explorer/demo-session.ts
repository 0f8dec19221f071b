import { DEMO_PASSWORD, DEMO_USER } from '../scripts/seed/catalogue.ts';

const SIGN_IN = `mutation ExplorerSignIn($input: SignInInput!) {
  signIn(input: $input) {
    ... on Session { accessToken expiresAt }
    ... on DomainError { message }
  }
}`;

/** A token is replaced this long before it expires. */
const EARLY_MS = 30_000;

let session: { accessToken: string; expiresAt: string } | undefined;

/** Posts an operation to the gateway and returns its answer. */
export async function send(operation: object, headers: Record<string, string> = {}) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(operation),
  });
  return response.json();
}

/** Signs the demo user in. @throws with the gateway's message when there is no such user */
export async function signIn(): Promise<void> {
  const input = { email: DEMO_USER.email, password: DEMO_PASSWORD };
  const { data, errors } = await send({ query: SIGN_IN, variables: { input } });
  const { accessToken, expiresAt, message = errors?.[0]?.message } = data?.signIn ?? {};
  if (accessToken === undefined) throw new Error(message);
  session = { accessToken, expiresAt };
}

export function signOut(): void {
  session = undefined;
}

/** Returns the header of the demo user's session, with a fresh token if the present one expires. */
export async function authorization(): Promise<{ Authorization?: string }> {
  if (session !== undefined && Date.parse(session.expiresAt) - EARLY_MS < Date.now()) await signIn();
  return session === undefined ? {} : { Authorization: `Bearer ${session.accessToken}` };
}
