# The least that cloudroutesync needs: what `cloudroutesync doctor -policy -cloud aws` prints on the router.

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

locals {
  arn = "arn:${data.aws_partition.this.partition}:ec2:${var.region}:${data.aws_caller_identity.this.account_id}"
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "router" {
  # EC2 cannot limit calls that only look to resources.
  statement {
    sid = "Look"
    actions = [
      "ec2:DescribeInstances",
      "ec2:DescribeManagedPrefixLists",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeRouteTables",
      "ec2:DescribeSubnets",
    ]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.region]
    }
  }

  statement {
    sid       = "ReadRouteQuota"
    actions   = ["servicequotas:GetAWSDefaultServiceQuota", "servicequotas:GetServiceQuota"]
    resources = ["*"]
  }

  statement {
    sid       = "SwitchOffSourceDestCheck"
    actions   = ["ec2:ModifyNetworkInterfaceAttribute"]
    resources = ["${local.arn}:network-interface/*"]

    condition {
      test     = "ArnLike"
      variable = "ec2:Vpc"
      values   = [aws_vpc.this.arn]
    }
  }

  statement {
    sid = "WriteRoutesOfOwnTable"
    actions = [
      "ec2:CreateRoute",
      "ec2:DeleteRoute",
      "ec2:ReplaceRoute",
      "ec2:DeleteRouteTable",
      "ec2:DisableVgwRoutePropagation",
      "ec2:EnableVgwRoutePropagation",
    ]
    resources = ["${local.arn}:route-table/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/cloudroutesync:owner"
      values   = [var.owner]
    }
  }

  statement {
    sid       = "CreateTableInVpc"
    actions   = ["ec2:CreateRouteTable"]
    resources = [aws_vpc.this.arn]
  }

  statement {
    sid       = "CreateTableOfOwner"
    actions   = ["ec2:CreateRouteTable"]
    resources = ["${local.arn}:route-table/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/cloudroutesync:owner"
      values   = [var.owner]
    }
  }

  statement {
    sid       = "TagNewTable"
    actions   = ["ec2:CreateTags"]
    resources = ["${local.arn}:route-table/*"]

    condition {
      test     = "StringEquals"
      variable = "ec2:CreateAction"
      values   = ["CreateRouteTable"]
    }
  }

  statement {
    sid       = "RememberFormerTable"
    actions   = ["ec2:CreateTags"]
    resources = ["${local.arn}:route-table/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/cloudroutesync:owner"
      values   = [var.owner]
    }
  }

  statement {
    sid = "AssociateSubnet"
    actions = [
      "ec2:AssociateRouteTable",
      "ec2:DisassociateRouteTable",
      "ec2:ReplaceRouteTableAssociation",
    ]
    resources = ["${local.arn}:route-table/*", "${local.arn}:subnet/*"]

    condition {
      test     = "ArnLike"
      variable = "ec2:Vpc"
      values   = [aws_vpc.this.arn]
    }
  }

  statement {
    sid       = "CarryOverPropagation"
    actions   = ["ec2:DisableVgwRoutePropagation", "ec2:EnableVgwRoutePropagation"]
    resources = ["${local.arn}:vpn-gateway/*"]
  }

  statement {
    sid       = "CarryOverGatewayEndpoints"
    actions   = ["ec2:ModifyVpcEndpoint"]
    resources = ["${local.arn}:route-table/*", "${local.arn}:vpc-endpoint/*"]
  }
}

resource "aws_iam_role" "router" {
  name               = "${var.prefix}-router"
  description        = "Keeps a route table in step with the routes of a VM's kernel"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_role_policy" "router" {
  name   = "routes"
  role   = aws_iam_role.router.id
  policy = data.aws_iam_policy_document.router.json
}

resource "aws_iam_instance_profile" "router" {
  name = "${var.prefix}-router"
  role = aws_iam_role.router.name

  # The program starts at once: it should find what its role may do.
  depends_on = [aws_iam_role_policy.router]
}
