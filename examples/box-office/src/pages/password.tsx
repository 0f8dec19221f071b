import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { RequestPasswordResetDocument } from '#client/generated/graphql.ts';
import { client } from '../client.ts';
import { Form, useFields } from '../parts/form.tsx';
import { TextLink } from '../parts/links.tsx';
import { Empty, Page } from '../parts/states.tsx';
import { tokenInAddress } from '../token.ts';

/** Asks for a mail with a link to the next page. */
export function ForgotPasswordPage() {
  const action = useMutation({
    mutationFn: ({ email = '' }: Record<string, string>) => client.request(RequestPasswordResetDocument, { email }),
  });
  const fields = useFields(action.data);
  return (
    <div className="narrow">
      <Page title="Forgot your password?">
        <div className="card padded">
          {action.isSuccess ? (
            <p role="status">
              If there is an account with this e-mail address, you will get a mail with a link. It works for 30 minutes.
            </p>
          ) : (
            <Form action={action}>
              <TextInput {...fields('email', 'E-mail address')} type="email" autoComplete="email" />
              <Button type="submit" size="md" fullWidth loading={action.isPending}>
                Send me a link
              </Button>
            </Form>
          )}
        </div>
      </Page>
    </div>
  );
}

/** Sets a new password with the token of the link, and signs the user in. */
export function ResetPasswordPage() {
  const [, navigate] = useLocation();
  const token = tokenInAddress();
  const action = useMutation({
    mutationFn: ({ newPassword = '' }: Record<string, string>) => client.resetPassword({ token, newPassword }),
    // The address with the token leaves the history of the browser.
    onSuccess: ({ __typename }) => __typename === 'Session' && navigate('/account', { replace: true }),
  });
  const fields = useFields(action.data);
  return (
    <div className="narrow">
      <Page title="Set a new password">
        {token === '' ? (
          <Empty title="This link is not complete">
            <p>Open the link in the mail again.</p>
          </Empty>
        ) : (
          <>
            <div className="card padded">
              <Form action={action}>
                <PasswordInput
                  {...fields('newPassword', 'New password')}
                  description="12 characters or more"
                  minLength={12}
                  maxLength={128}
                  autoComplete="new-password"
                />
                <Button type="submit" size="md" fullWidth loading={action.isPending}>
                  Set password
                </Button>
              </Form>
            </div>
            <p className="aside">
              <TextLink href="/forgot-password">Ask for a new mail</TextLink>
            </p>
          </>
        )}
      </Page>
    </div>
  );
}
