import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';

interface To {
  readonly href: string;
  readonly children: ReactNode;
}

/** A link within the page that looks like a button. */
export const ButtonLink = (props: To & ButtonProps) => <Button component={Link} {...props} />;

/** A link within the page. */
export const TextLink = (props: To & AnchorProps) => <Anchor component={Link} underline="always" {...props} />;
