import java.util.List;
import java.util.Properties;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** Permits a user one operation on a topic. From then on a broker that permits what it has no rule for refuses others. */
public final class AclTool {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", args[0]);
        var topic = new ResourcePattern(ResourceType.TOPIC, args[1], PatternType.LITERAL);
        var permit = new AccessControlEntry("User:" + args[2], "*", AclOperation.fromString(args[3]), AclPermissionType.ALLOW);
        try (Admin admin = Admin.create(properties)) {
            admin.createAcls(List.of(new AclBinding(topic, permit))).all().get();
        }
    }
}
