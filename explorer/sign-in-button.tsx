import { useState } from 'react';
import { DEMO_USER } from '../scripts/seed/catalogue.ts';
import { signIn, signOut } from './demo-session.ts';

/** Signs the demo user in and out. While they are signed in, every tab sends their token. */
export function SignInButton() {
  const [isSignedIn, setSignedIn] = useState(false);
  const [problem, setProblem] = useState('');

  async function change() {
    setProblem('');
    try {
      if (isSignedIn) signOut();
      else await signIn();
      setSignedIn(!isSignedIn);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <div className="sign-in">
      {problem && <span role="alert">{problem}</span>}
      {isSignedIn && <span>{DEMO_USER.email}</span>}
      <button type="button" className="graphiql-button" onClick={change}>
        {isSignedIn ? 'Sign out' : 'Sign in as the demo user'}
      </button>
    </div>
  );
}
