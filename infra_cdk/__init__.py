"""The CDK app: what `cdk deploy` installs."""
