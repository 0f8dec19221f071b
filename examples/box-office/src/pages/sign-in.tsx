import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useLocation, useSearchParams } from 'wouter';
import { client } from '../client.ts';
import { Form, useFields } from '../parts/form.tsx';
import { TextLink } from '../parts/links.tsx';
import { Page } from '../parts/states.tsx';

/** Signs in, or signs up if `isNew`, and returns to the page that the visitor came from. */
export function SignInPage({ isNew }: { isNew: boolean }) {
  const [parameters] = useSearchParams();
  const [, navigate] = useLocation();
  const given = parameters.get('next') ?? '/';
  // An address of another site would begin with two slashes.
  const next = /^\/(?!\/)/.test(given) ? given : '/';
  const action = useMutation({
    mutationFn: async ({ name = '', email = '', password = '' }: Record<string, string>) =>
      isNew ? client.signUp({ name, email, password }) : client.signIn({ email, password }),
    onSuccess: ({ __typename }) => __typename === 'Session' && navigate(next, { replace: true }),
  });
  const fields = useFields(action.data);
  const to = `?next=${encodeURIComponent(next)}`;
  return (
    <div className="narrow">
      <Page title={isNew ? 'Create your account' : 'Sign in'}>
        <div className="card padded">
          <Form action={action}>
            {isNew && <TextInput {...fields('name', 'Your name')} autoComplete="name" maxLength={120} />}
            <TextInput {...fields('email', 'E-mail address')} type="email" autoComplete="email" />
            <PasswordInput
              {...fields('password', 'Password')}
              minLength={isNew ? 12 : 1}
              maxLength={128}
              autoComplete={isNew ? 'new-password' : 'current-password'}
              {...(isNew && { description: '12 characters or more' })}
            />
            <Button type="submit" size="md" fullWidth loading={action.isPending}>
              {isNew ? 'Create account' : 'Sign in'}
            </Button>
          </Form>
        </div>
        {!isNew && (
          <p className="aside">
            <TextLink href="/forgot-password">Forgot your password?</TextLink>
          </p>
        )}
        <p className="aside">
          {isNew ? 'You have an account? ' : 'You are new here? '}
          <TextLink href={isNew ? `/sign-in${to}` : `/sign-up${to}`}>
            {isNew ? 'Sign in' : 'Create an account'}
          </TextLink>
        </p>
      </Page>
    </div>
  );
}
