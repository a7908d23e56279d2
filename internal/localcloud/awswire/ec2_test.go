// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
)

func filters(pairs ...string) []types.Filter {
	var fs []types.Filter
	for i := 0; i < len(pairs); i += 2 {
		fs = append(fs, types.Filter{Name: aws.String(pairs[i]), Values: []string{pairs[i+1]}})
	}
	return fs
}

// Karpenter dereferences these without a nil check.
func TestInstanceTypesHaveWhatKarpenterDereferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := ec2.NewDescribeInstanceTypesPaginator(w.ec2(w.cfg), &ec2.DescribeInstanceTypesInput{MaxResults: aws.Int32(10),
		Filters: []types.Filter{{Name: aws.String("supported-virtualization-type"), Values: []string{"hvm"}},
			{Name: aws.String("processor-info.supported-architecture"), Values: []string{"x86_64", "arm64"}}}})
	seen := map[string]types.InstanceTypeInfo{}
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.InstanceTypes), 10)
		for _, i := range page.InstanceTypes {
			seen[string(i.InstanceType)] = i
			require.ElementsMatch(t, []types.UsageClassType{"on-demand", "spot"}, i.SupportedUsageClasses)
			require.Len(t, i.ProcessorInfo.SupportedArchitectures, 1)
			require.NotEmpty(t, *i.ProcessorInfo.Manufacturer)
			require.Positive(t, *i.VCpuInfo.DefaultVCpus)
			require.Positive(t, *i.MemoryInfo.SizeInMiB)
			require.NotNil(t, i.BareMetal)
			n := i.NetworkInfo
			require.Positive(t, *n.MaximumNetworkInterfaces)
			require.Positive(t, *n.Ipv4AddressesPerInterface)
			require.Less(t, int(*n.DefaultNetworkCardIndex), len(n.NetworkCards))
			require.Positive(t, *n.NetworkCards[0].MaximumNetworkInterfaces)
			if i.InstanceStorageInfo != nil {
				require.Positive(t, *i.InstanceStorageInfo.TotalSizeInGB)
			}
		}
	}
	require.Len(t, seen, len(w.account.InstanceTypes()))
	require.Equal(t, types.ArchitectureTypeX8664, seen["c5d.xlarge"].ProcessorInfo.SupportedArchitectures[0])
	require.Equal(t, types.ArchitectureTypeArm64, seen["r6gd.xlarge"].ProcessorInfo.SupportedArchitectures[0])
	require.Equal(t, types.InstanceTypeHypervisorNitro, seen["c5d.xlarge"].Hypervisor)

	_, err := w.ec2(w.cfg).DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{DryRun: aws.Bool(true)})
	require.Equal(t, "DryRunOperation", code(t, err))
}

func TestOfferingsAndPricesCoverWhatEachZoneHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want, holes := 0, 0
	for _, it := range w.account.InstanceTypes() {
		for _, z := range w.account.ZonesIn(region) {
			if w.account.Offers(z.Name, it.Type) {
				want++
			} else {
				holes++
			}
		}
	}
	require.Positive(t, holes, "no zone lacks a type, as real ones do")
	offerings, err := w.ec2(w.cfg).DescribeInstanceTypeOfferings(t.Context(), &ec2.DescribeInstanceTypeOfferingsInput{
		LocationType: types.LocationTypeAvailabilityZone, MaxResults: aws.Int32(1000)})
	require.NoError(t, err)
	require.Len(t, offerings.InstanceTypeOfferings, want)
	require.NotEmpty(t, *offerings.InstanceTypeOfferings[0].Location)

	spot, err := w.ec2(w.cfg).DescribeSpotPriceHistory(t.Context(), &ec2.DescribeSpotPriceHistoryInput{
		ProductDescriptions: []string{"Linux/UNIX", "Linux/UNIX (Amazon VPC)"}, MaxResults: aws.Int32(2000)})
	require.NoError(t, err)
	require.Len(t, spot.SpotPriceHistory, want)
	for _, s := range spot.SpotPriceHistory {
		require.NotNil(t, s.Timestamp)
		require.NotEmpty(t, *s.AvailabilityZone)
		require.NotEmpty(t, *s.SpotPrice)
	}
	none, err := w.ec2(w.cfg).DescribeSpotPriceHistory(t.Context(), &ec2.DescribeSpotPriceHistoryInput{
		ProductDescriptions: []string{"Windows"},
	})
	require.NoError(t, err)
	require.Empty(t, none.SpotPriceHistory)

	for tenancy, family := range map[string]string{"Shared": "Compute Instance", "Dedicated": "Compute Instance (bare metal)"} {
		_, m := w.target(w.cfg, "pricing", "AWSPriceListService.GetProducts", `{"ServiceCode":"AmazonEC2","Filters":[
			{"Type":"TERM_MATCH","Field":"tenancy","Value":"`+tenancy+`"},
			{"Type":"TERM_MATCH","Field":"productFamily","Value":"`+family+`"}]}`)
		list, _ := m["PriceList"].([]any)
		require.NotEmpty(t, list, "Karpenter takes no row for a failure")
		var row struct {
			Product struct{ Attributes struct{ InstanceType string } }
			Terms   struct {
				OnDemand map[string]struct {
					PriceDimensions map[string]struct{ PricePerUnit map[string]string }
				}
			}
		}
		text, ok := list[0].(string)
		require.True(t, ok, "a price is JSON in a string")
		require.NoError(t, json.Unmarshal([]byte(text), &row))
		require.NotEmpty(t, row.Product.Attributes.InstanceType)
		for _, term := range row.Terms.OnDemand {
			for _, d := range term.PriceDimensions {
				require.NotEmpty(t, d.PricePerUnit["USD"])
			}
		}
	}
}

func TestNetworkAnswersWhatKarpenterSelectsBy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	subnets, err := w.ec2(w.cfg).DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{
		Filters: filters("tag:karpenter.sh/discovery", "demo"),
	})
	require.NoError(t, err)
	require.Len(t, subnets.Subnets, 3)
	s := subnets.Subnets[0]
	require.Equal(t, "us-west-2a", *s.AvailabilityZone)
	require.Equal(t, "usw2-az2", *s.AvailabilityZoneId)
	require.Equal(t, int32(251), *s.AvailableIpAddressCount)
	groups, err := w.ec2(w.cfg).DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{
		Filters: filters("tag-key", "karpenter.sh/*", "vpc-id", w.vpc),
	})
	require.NoError(t, err)
	require.Len(t, groups.SecurityGroups, 1)
	require.Equal(t, w.group, *groups.SecurityGroups[0].GroupId)
	require.Equal(t, "nodes", *groups.SecurityGroups[0].GroupName)

	none, err := w.ec2(w.cfg).DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{
		Filters: filters("tag:karpenter.sh/discovery", "other"),
	})
	require.NoError(t, err)
	require.Empty(t, none.Subnets)
	_, err = w.ec2(w.cfg).DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: filters("outpost-arn", "x")})
	require.Equal(t, "InvalidParameterValue", code(t, err), "a filter that is not simulated must not select everything")
	_, err = w.ec2(w.cfg).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-0"}})
	require.Equal(t, "InvalidVpcID.NotFound", code(t, err))
	zones, err := w.ec2(w.cfg).DescribeAvailabilityZones(t.Context(), &ec2.DescribeAvailabilityZonesInput{})
	require.NoError(t, err)
	require.Len(t, zones.AvailabilityZones, 4)
}

func TestTheImagesOfAnAliasAreFoundByTheirParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []string
	for _, path := range []string{"x86_64/standard", "x86_64/nvidia", "x86_64/neuron", "arm64/standard", "arm64/nvidia"} {
		_, m := w.target(w.cfg, "ssm", "AmazonSSM.GetParameter",
			`{"Name":"/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/`+path+`/recommended/image_id"}`)
		parameter, _ := m["Parameter"].(map[string]any)
		require.NotNil(t, parameter, m)
		id, _ := parameter["Value"].(string)
		ids = append(ids, id)
	}
	out, err := w.ec2(w.cfg).DescribeImages(t.Context(),
		&ec2.DescribeImagesInput{IncludeDeprecated: aws.Bool(true), MaxResults: aws.Int32(1000),
			Filters: []types.Filter{
				{Name: aws.String("image-id"), Values: ids}, {Name: aws.String("state"), Values: []string{"available"}},
			}})
	require.NoError(t, err)
	require.Len(t, out.Images, 5)
	for _, i := range out.Images {
		require.NotEmpty(t, *i.Name)
		require.NotEmpty(t, *i.CreationDate)
		require.NotEmpty(t, i.Architecture)
	}
	a, m := w.target(w.cfg, "ssm", "AmazonSSM.GetParameter", `{"Name":"/aws/service/none"}`)
	require.Equal(t, 400, a.status)
	require.Equal(t, "ParameterNotFound", m["__type"])
}

func template(w *world, name string, data *types.RequestLaunchTemplateData) *ec2.CreateLaunchTemplateInput {
	if data.ImageId == nil {
		data.ImageId = aws.String(image(w, "x86_64"))
	}
	data.NetworkInterfaces = []types.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest{
		{DeviceIndex: aws.Int32(0), Groups: []string{w.group}},
	}
	data.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte("hello")))
	data.BlockDeviceMappings = []types.LaunchTemplateBlockDeviceMappingRequest{{DeviceName: aws.String("/dev/xvda"),
		Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{
			VolumeSize: aws.Int32(77), Encrypted: aws.Bool(true), VolumeType: types.VolumeTypeGp3,
		}}}
	data.MetadataOptions = &types.LaunchTemplateInstanceMetadataOptionsRequest{
		HttpTokens: types.LaunchTemplateHttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(1),
	}
	data.TagSpecifications = []types.LaunchTemplateTagSpecificationRequest{
		{ResourceType: types.ResourceTypeNetworkInterface, Tags: karpenterTags()},
	}
	return &ec2.CreateLaunchTemplateInput{LaunchTemplateName: &name, LaunchTemplateData: data,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate, Tags: karpenterTags()}}}
}

func karpenterTags() []types.Tag {
	var tags []types.Tag
	for _, kv := range [][2]string{{"eks:eks-cluster-name", "demo"}, {"karpenter.k8s.aws/ec2nodeclass", "flink"},
		{"karpenter.sh/nodepool", "flink"}, {"kubernetes.io/cluster/demo", "owned"}} {
		tags = append(tags, types.Tag{Key: aws.String(kv[0]), Value: aws.String(kv[1])})
	}
	return tags
}

func image(w *world, arch string) string {
	_, m := w.target(w.cfg, "ssm", "AmazonSSM.GetParameter", `{"Name":"/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/`+
		arch+`/standard/recommended/image_id"}`)
	p, _ := m["Parameter"].(map[string]any)
	id, _ := p["Value"].(string)
	return id
}

func TestLaunchTemplatesAreFoundByNameAndTag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.ec2(w.cfg)
	_, err := c.DescribeLaunchTemplates(t.Context(), &ec2.DescribeLaunchTemplatesInput{
		LaunchTemplateNames: []string{"karpenter.k8s.aws/1"},
	})
	require.Equal(t, "InvalidLaunchTemplateName.NotFoundException", code(t, err))
	made, err := c.CreateLaunchTemplate(t.Context(), template(w, "karpenter.k8s.aws/1", &types.RequestLaunchTemplateData{}))
	require.NoError(t, err)
	require.Equal(t, "karpenter.k8s.aws/1", *made.LaunchTemplate.LaunchTemplateName)
	_, err = c.CreateLaunchTemplate(t.Context(), template(w, "karpenter.k8s.aws/1", &types.RequestLaunchTemplateData{}))
	require.Equal(t, "InvalidLaunchTemplateName.AlreadyExistsException", code(t, err))
	found, err := c.DescribeLaunchTemplates(t.Context(), &ec2.DescribeLaunchTemplatesInput{
		Filters: filters("tag:eks:eks-cluster-name", "demo", "tag:karpenter.k8s.aws/ec2nodeclass", "flink")})
	require.NoError(t, err)
	require.Len(t, found.LaunchTemplates, 1)
	require.Equal(t, *made.LaunchTemplate.LaunchTemplateId, *found.LaunchTemplates[0].LaunchTemplateId)

	_, err = c.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{
		LaunchTemplateName: aws.String("karpenter.k8s.aws/1"),
	})
	require.NoError(t, err)
	_, err = c.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{
		LaunchTemplateId: made.LaunchTemplate.LaunchTemplateId,
	})
	require.Equal(t, "InvalidLaunchTemplateId.NotFound", code(t, err), "the cache of Karpenter deletes again by id")
}

func TestUserDataIsLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := template(w, "karpenter.k8s.aws/1", &types.RequestLaunchTemplateData{})
	in.LaunchTemplateData.UserData = aws.String(base64.StdEncoding.EncodeToString(make([]byte, 17000)))
	_, err := w.ec2(w.cfg).CreateLaunchTemplate(t.Context(), in)
	require.Equal(t, "InvalidUserData.Malformed", code(t, err))
}

func TestTagsChangeWhatFiltersFind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.ec2(w.cfg)
	_, err := c.CreateTags(t.Context(), &ec2.CreateTagsInput{
		Resources: []string{w.subnets[0]}, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("one")}},
	})
	require.NoError(t, err)
	r, ok := w.account.Get(account.KindSubnet, w.subnets[0])
	require.True(t, ok)
	require.Equal(t, "one", r.Tags["Name"])
	_, err = c.DeleteTags(t.Context(), &ec2.DeleteTagsInput{
		Resources: []string{w.subnets[0]}, Tags: []types.Tag{{Key: aws.String("Name")}},
	})
	require.NoError(t, err)
	r, _ = w.account.Get(account.KindSubnet, w.subnets[0])
	require.NotContains(t, r.Tags, "Name")
	_, err = c.CreateTags(t.Context(), &ec2.CreateTagsInput{
		Resources: []string{"i-0"}, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	})
	require.Error(t, err)
}
